#!/usr/bin/env bash
# scripts/bootstrap.sh                                make .venv and install the locked packages
# scripts/bootstrap.sh unpack-debian PACKAGE FOLDER   unpack a Debian package without root
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

# apt-get download needs no root, but refreshing stale package lists does, unless the lists live in
# a folder of our own. The sandbox user is the caller because _apt may not enter a private folder.
unpack_debian() (
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || exit 1
  mkdir -p "$2"
  folder=$(cd "$2" && pwd)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/deb"
  cd "$work/deb"
  common=(-qq -o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=1
    -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
  if ! apt-get "${common[@]}" download "$1" >/dev/null 2>&1; then
    own=(-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache")
    # A broken third-party source must not hide a package that another source has.
    apt-get "${common[@]}" "${own[@]}" update >/dev/null 2>&1 || true
    apt-get "${common[@]}" "${own[@]}" download "$1" >/dev/null 2>&1 || exit 1
  fi
  dpkg -x ./*.deb "$folder"
)

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 /usr/bin/python3}; do
    # Run it: a version manager's shim exists for versions that are not switched on. The venv
    # module is asked for because a minimal Python of a distribution may lack it.
    if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

has_pip() {
  .venv/bin/python -m pip --version >/dev/null 2>&1
}

install_pip_from_wheel() {
  local wheel
  for wheel in "$1"/pip-*.whl; do
    [[ -e $wheel ]] || continue
    .venv/bin/python "$wheel/pip" install --quiet --no-index "$wheel" >/dev/null 2>&1 && return
  done
  return 1
}

# Debian keeps ensurepip in a package of its own (python3-venv), so each other place where a pip
# can be had without root is tried before giving up.
add_pip() {
  .venv/bin/python -m ensurepip --default-pip >/dev/null 2>&1 && has_pip && return
  install_pip_from_wheel /usr/share/python-wheels && has_pip && return
  "$1" -m pip --python .venv/bin/python install --quiet pip >/dev/null 2>&1 && has_pip && return
  local work status=1
  work=$(mktemp -d)
  if unpack_debian python3-pip-whl "$work" &&
    install_pip_from_wheel "$work/usr/share/python-wheels" && has_pip; then
    status=0
  fi
  rm -rf "$work"
  return "$status"
}

if [[ ${1:-} == unpack-debian ]]; then
  [[ $# -eq 3 ]] || fail "usage: $0 unpack-debian PACKAGE FOLDER"
  unpack_debian "$2" "$3"
  exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The name of the environment's own Python says nothing about its age: a moved or outdated
# interpreter leaves a .venv that cannot be used.
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  python=$(find_python) ||
    fail "No Python >= 3.11 with its venv module was found; install one (Debian: python3-venv)" \
      "or name it: make PYTHON=/path/to/python3"
  rm -rf .venv
  # --without-pip works where ensurepip is missing; pip is added next.
  "$python" -m venv --without-pip .venv
else
  python=$(find_python) || python=.venv/bin/python
fi

has_pip || add_pip "$python" ||
  fail "No pip could be found for .venv: install the package python3-venv (Debian, Ubuntu) or" \
    "put pip into .venv by other means, then run make again."

echo "Installing the locked packages into .venv: about 3 minutes and several GB ..."
pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input -qq)
"${pip[@]}" install --requirement requirements.lock ||
  fail "The packages of requirements.lock could not be installed; pip's message is above."
"${pip[@]}" install --no-deps --editable . ||
  fail "The project itself could not be installed; pip's message is above."
