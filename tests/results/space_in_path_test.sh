#!/bin/sh
# space_in_path_test.sh ROOT: make's targets in a folder with a space in its path. The programs that they call
# are stand-ins that record each argument on a line: none may be a part of the folder's path.
set -eu
root=$1
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
project="$top/a folder"
mkdir -p "$project/scripts" "$project/peers" "$project/tests/hardening" "$project/build/release/bin" "$top/bin"
cp "$root/Makefile" "$project"
cat > "$top/stand-in" << 'END'
#!/bin/sh
for argument in "$0" "$@"; do printf '%s\n' "$argument" >> "$ARGUMENTS"; done
END
chmod +x "$top/stand-in"
for program in cmake ctest chromium run-clang-tidy; do cp "$top/stand-in" "$top/bin/$program"; done
for program in scripts/deps scripts/reference peers/deps tests/hardening/soak build/release/bin/comet-loadgen \
    build/release/bin/comet-microbench; do
  cp "$top/stand-in" "$project/$program"
done
mkdir "$project/results"
touch "$project/results/microbench.json"

export ARGUMENTS="$top/arguments" PATH="$top/bin:$PATH"
make -s -C "$project" build sanitizers test lint bench bench-peers microbench reference soak report picture > /dev/null
if grep -nE '^folder|/a$' "$ARGUMENTS"; then
  echo "a command took the folder's path apart" >&2
  exit 1
fi
# The picture needs both: where the browser may write, and the page.
grep -qFx -e "--user-data-dir=$project/build/chromium" "$ARGUMENTS"
grep -qF "file://$project/results/index.html#picture=" "$ARGUMENTS"
