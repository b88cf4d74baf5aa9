# CTest tests of a program that runs entries: one for each of its tests and each entry that keeps the parts of
# the contract that the test needs.
set(COMET_SERVER_BIN_DIR "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" CACHE PATH "folder of the servers that CTest runs")
set(COMET_SANITIZED_BIN_DIRS "" CACHE STRING
    "more bin folders to run the suite on: NAME=DIR[=REGEX of entries];... , for example asan=/tmp/asan/bin")

# Tests PREFIX.ENTRY.Suite.Test of `program` that match GoogleTest's `filter`, run on the programs of
# bin_dir. Which they are is asked of the program by ctest itself, for it depends on what the manifest says:
# see list_tests.cmake.
function(add_entry_tests program entry prefix bin_dir filter manifest)
  set(list ${CMAKE_CURRENT_BINARY_DIR}/${program}-${prefix}${entry})
  file(CONFIGURE OUTPUT ${list}.cmake @ONLY CONTENT [=[
set(program "@CMAKE_RUNTIME_OUTPUT_DIRECTORY@/@program@")
set(arguments --entry "@entry@" --root "@CMAKE_SOURCE_DIR@" --bin-dir "@bin_dir@")
set(filter "@filter@")
set(manifest "@manifest@")
set(prefix "@prefix@@entry@")
set(label "@program@")
set(list "@list@.tests.cmake")
set(asked_by "@list@.cmake")
include("@CMAKE_SOURCE_DIR@/tests/list_tests.cmake")
]=])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${list}.cmake)
endfunction()

# Names of the entries of a manifest: its variants, or itself.
function(read_entries manifest out)
  file(READ ${manifest} text)
  string(JSON count ERROR_VARIABLE no_variants LENGTH "${text}" variants)
  if(no_variants)
    string(JSON names GET "${text}" name)
  else()
    math(EXPR last "${count} - 1")
    foreach(index RANGE ${last})
      string(JSON name GET "${text}" variants ${index} name)
      list(APPEND names ${name})
    endforeach()
  endif()
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# Every entry in this build, and the patterns in the sanitizer builds as far as `sanitized_filter` goes. Wrong
# servers are no entries to be right; of those behind HAProxy some have a filter of their own, in nodes/.
function(add_tests_of_every_entry program sanitized_filter)
  file(GLOB manifests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/*/*/pattern.json ${CMAKE_SOURCE_DIR}/*/*/*.pattern.json)
  list(FILTER manifests EXCLUDE REGEX "/tests/(wrong_servers|nodes)/[^/]*$")
  foreach(manifest ${manifests})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
    read_entries(${manifest} entries)
    foreach(entry ${entries})
      add_entry_tests(${program} ${entry} "" ${COMET_SERVER_BIN_DIR} "*" ${manifest})
      file(RELATIVE_PATH place ${CMAKE_SOURCE_DIR} ${manifest})
      if(NOT place MATCHES "^patterns/")
        continue()
      endif()
      foreach(sanitized ${COMET_SANITIZED_BIN_DIRS})
        if(NOT sanitized MATCHES "^([a-z]+)=([^=]+)=?(.*)$")
          message(FATAL_ERROR "COMET_SANITIZED_BIN_DIRS has '${sanitized}': write NAME=DIR or NAME=DIR=REGEX")
        endif()
        set(name ${CMAKE_MATCH_1})
        set(dir ${CMAKE_MATCH_2})
        set(only ${CMAKE_MATCH_3})
        if(only STREQUAL "" OR entry MATCHES "${only}")
          add_entry_tests(${program} ${entry} "${name}." ${dir} "${sanitized_filter}" ${manifest})
        endif()
      endforeach()
    endforeach()
  endforeach()
endfunction()
