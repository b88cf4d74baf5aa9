# CTest tests of a program that runs entries: one for each of its tests and each entry that keeps the whole contract.
set(COMET_SERVER_BIN_DIR "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" CACHE PATH "folder of the servers that CTest runs")
set(COMET_SANITIZED_BIN_DIRS "" CACHE STRING
    "more bin folders to run the suite on: NAME=DIR[=REGEX of entries];... , for example asan=/tmp/asan/bin")

# Tests PREFIX.ENTRY.Suite.Test of `program` that match GoogleTest's `filter`, run on the programs of bin_dir.
function(add_entry_tests program entry prefix bin_dir filter)
  gtest_discover_tests(${program}
    TEST_PREFIX "${prefix}${entry}."
    TEST_FILTER "${filter}"
    TEST_LIST ignored_list
    EXTRA_ARGS --entry ${entry} --root ${CMAKE_SOURCE_DIR} --bin-dir ${bin_dir}
    PROPERTIES TIMEOUT 180 LABELS "${program};${prefix}${entry}"
    DISCOVERY_TIMEOUT 60)
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

# Every entry in this build, and in the sanitizer builds as far as `sanitized_filter` goes.
function(add_tests_of_every_entry program sanitized_filter)
  file(GLOB manifests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/patterns/*/pattern.json)
  foreach(manifest ${manifests})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
    file(READ ${manifest} text)
    string(JSON keeps ERROR_VARIABLE ignored GET "${text}" keeps)
    if(NOT keeps STREQUAL "all")
      continue()
    endif()
    read_entries(${manifest} entries)
    foreach(entry ${entries})
      add_entry_tests(${program} ${entry} "" ${COMET_SERVER_BIN_DIR} "*")
      foreach(sanitized ${COMET_SANITIZED_BIN_DIRS})
        if(NOT sanitized MATCHES "^([a-z]+)=([^=]+)=?(.*)$")
          message(FATAL_ERROR "COMET_SANITIZED_BIN_DIRS has '${sanitized}': write NAME=DIR or NAME=DIR=REGEX")
        endif()
        set(name ${CMAKE_MATCH_1})
        set(dir ${CMAKE_MATCH_2})
        set(only ${CMAKE_MATCH_3})
        if(only STREQUAL "" OR entry MATCHES "${only}")
          add_entry_tests(${program} ${entry} "${name}." ${dir} "${sanitized_filter}")
        endif()
      endforeach()
    endforeach()
  endforeach()
endfunction()
