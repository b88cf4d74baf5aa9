# Included by ctest: adds the tests that `program` has for one entry. They are written to the file `list`,
# and asked for anew when the program or the manifest has changed since. entries.cmake says what the
# variables are.
if(NOT EXISTS "${program}")
  add_test("${prefix}.${label}_NOT_BUILT" "${program}")
  return()
endif()
if("${program}" IS_NEWER_THAN "${list}" OR "${manifest}" IS_NEWER_THAN "${list}" OR
   "${asked_by}" IS_NEWER_THAN "${list}" OR "${CMAKE_CURRENT_LIST_FILE}" IS_NEWER_THAN "${list}")
  execute_process(COMMAND "${program}" ${arguments} --gtest_list_tests "--gtest_filter=${filter}"
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
  if(NOT status EQUAL 0)  # this test says why
    add_test("${prefix}.${label}_CANNOT_BE_LISTED" "${program}" ${arguments})
    return()
  endif()
  string(REGEX MATCHALL "[^\n]+" lines "${output}")
  set(quoted "")
  foreach(argument ${arguments})
    string(APPEND quoted " [==[${argument}]==]")
  endforeach()
  set(commands "")
  foreach(line ${lines})
    if(line MATCHES "^([A-Za-z0-9_/]+\\.)")
      set(suite ${CMAKE_MATCH_1})
    elseif(line MATCHES "^  ([A-Za-z0-9_/]+)")
      set(test ${suite}${CMAKE_MATCH_1})
      string(APPEND commands
        "add_test([==[${prefix}.${test}]==] [==[${program}]==]${quoted} --gtest_filter=${test})\n"
        "set_tests_properties([==[${prefix}.${test}]==] PROPERTIES TIMEOUT 180 LABELS [==[${label};${prefix}]==] "
        "SKIP_RETURN_CODE 77 SKIP_REGULAR_EXPRESSION [==[\\[  SKIPPED \\]]==])\n")
    endif()
  endforeach()
  file(WRITE "${list}" "${commands}")
endif()
include("${list}")
