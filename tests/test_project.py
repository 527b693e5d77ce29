"""Rules of the whole project: dependencies agree, and names of classes are unique."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"torch": "pytorch"}


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pins() -> dict[str, str]:
    found = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!]+)", line)
            assert match, f"not an exact pin: {line!r}"
            name = canonicalize_name(match[1])
            assert name not in found, f"{name} is pinned twice"
            found[name] = match[2]
    return found


def test_conda_environment_has_the_same_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [Requirement(entry) for entry in environment["dependencies"] if isinstance(entry, str)]
    found = {requirement.name: requirement.specifier for requirement in conda}
    requires_python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "requires-python"
    ]
    assert str(found.pop("python")) == requires_python
    found.pop("pip")
    expected = {
        CONDA_NAMES.get(name, name): requirement.specifier
        for name, requirement in declared().items()
    }
    assert found == expected


def test_every_dependency_has_a_lower_bound():
    for requirement in declared().values():
        assert any(bound.operator == ">=" for bound in requirement.specifier), str(requirement)


@pytest.mark.parametrize("name", sorted(declared()))
def test_lock_pins_a_version_within_the_bound(name: str):
    assert declared()[name].specifier.contains(pins()[name], prereleases=True)


def test_lock_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^\s*-|@", text, flags=re.MULTILINE)


def test_two_classes_never_share_a_name():
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src" / "likewise").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                # A leading underscore does not make a name another word.
                places.setdefault(node.name.lstrip("_"), []).append(f"{path}:{node.lineno}")
    assert "Encoder" in places
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
