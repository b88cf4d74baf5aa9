# deps_test.sh SCRIPT: without apt-get it names what to install in one or two lines, and fails.
script=$1
for set in "" report test lint fuzz soak nodes; do
  said=$(PATH= /bin/sh "$script" $set 2>&1)
  status=$?
  lines=$(printf '%s\n' "$said" | grep -c .)
  if [ "$status" != 1 ] || [ "$lines" -gt 2 ]; then
    echo "deps $set: status $status, $lines lines: $said"
    exit 1
  fi
  for package in Boost libuv CLI11 CMake; do
    case $said in *"$package"*) ;; *) echo "deps $set does not name $package: $said"; exit 1 ;; esac
  done
done
