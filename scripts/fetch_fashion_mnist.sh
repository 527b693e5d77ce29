#!/usr/bin/env bash
# scripts/fetch_fashion_mnist.sh [FOLDER]   put the four files of Fashion-MNIST into FOLDER
#
# No root is needed. LIKEWISE_FASHION_MNIST may name a folder that has the files already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dest=${1:-$here/../data/fashion_mnist}
# The reader looks for the training images, so they are moved last: it sees all files or none.
files=(t10k-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz
  train-labels-idx1-ubyte.gz train-images-idx3-ubyte.gz)

say() {
  echo "Fashion-MNIST: $*"
}

complete() {
  local file
  for file in "${files[@]}"; do
    [[ -s $1/$file ]] || return 1
  done
}

work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

# The working folder lies beside the target: only a move within one file system is atomic.
prepare() {
  mkdir -p "$dest"
  dest=$(cd "$dest" && pwd)
  work=$(mktemp -d "$dest/.fetch.XXXXXX")
}

install_from() {
  local from=$1 file
  for file in "${files[@]}"; do
    gzip -t "$from/$file" 2>/dev/null || return 1
  done
  if [[ $from != "$work"/* ]]; then
    for file in "${files[@]}"; do
      cp -L "$from/$file" "$work/$file" || return 1
    done
    from=$work
  fi
  for file in "${files[@]}"; do
    chmod 644 "$from/$file" && mv -f "$from/$file" "$dest/$file" || return 1
  done
}

given=${LIKEWISE_FASHION_MNIST:-}
if [[ -n $given ]]; then
  if ! complete "$given"; then
    echo "LIKEWISE_FASHION_MNIST=$given does not hold the four *-ubyte.gz files." >&2
    exit 1
  fi
  if [[ ! $given -ef $dest ]]; then
    prepare
    if ! install_from "$given"; then
      echo "LIKEWISE_FASHION_MNIST=$given holds a damaged file." >&2
      exit 1
    fi
    say "copied from $given"
    exit
  fi
fi

if complete "$dest"; then
  say "already there"
  exit
fi

prepare

package=/usr/share/datasets/fashion-mnist
if complete "$package" && install_from "$package"; then
  say "copied from the installed Debian package"
  exit
fi

if "$here/bootstrap.sh" unpack-debian dataset-fashion-mnist "$work/debian" &&
  complete "$work/debian$package" && install_from "$work/debian$package"; then
  say "unpacked from the Debian package dataset-fashion-mnist"
  exit
fi

for python in "$here/../.venv/bin/python" python3; do
  raw=$work/torchvision/FashionMNIST/raw
  if "$python" -c 'import sys, torchvision
torchvision.datasets.FashionMNIST(sys.argv[1], download=True)' "$work/torchvision" \
    >/dev/null 2>&1 && complete "$raw" && install_from "$raw"; then
    say "downloaded by torchvision"
    exit
  fi
done

echo "Fashion-MNIST could not be fetched, neither as the Debian package dataset-fashion-mnist nor" \
  "by torchvision: set LIKEWISE_FASHION_MNIST to a folder with its four *-ubyte.gz files." >&2
exit 1
