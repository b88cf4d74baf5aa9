# Runs one scenario at a small size on async and the floor and reads the files that it writes.
file(REMOVE_RECURSE ${FOLDER})
execute_process(
  COMMAND ${PROGRAM} bench --scenario ${SCENARIO} --entries async,floor --held 12,24 --seconds 2 --repeats 1
    --root ${ROOT} --out ${FOLDER}
  RESULT_VARIABLE status OUTPUT_VARIABLE table ERROR_VARIABLE progress)
message("${progress}${table}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exit status ${status}")
endif()

file(GLOB files ${FOLDER}/*/${SCENARIO}-*.json)
set(found)
foreach(file ${files})
  file(READ ${file} text)
  string(JSON schema GET "${text}" schema)
  string(JSON entry GET "${text}" entry)
  string(JSON size GET "${text}" held_wanted)
  string(JSON state GET "${text}" repeats 0 status)
  string(JSON note GET "${text}" repeats 0 note)
  list(APPEND found ${entry}-${size})
  if(NOT schema EQUAL 2)
    message(FATAL_ERROR "${file}: schema ${schema}")
  endif()
  # The floor has one channel and no cursors: it sits some scenarios out, and says so.
  if(NOT state STREQUAL "complete" AND NOT (entry STREQUAL "floor" AND state STREQUAL "skipped" AND NOT note STREQUAL ""))
    message(FATAL_ERROR "${file}: ${state}: ${note}")
  endif()
endforeach()

set(wanted async-12 async-24 floor-12 floor-24)
if(SCENARIO STREQUAL "hold")
  set(wanted async-24 floor-24)  # one file holds all sizes
endif()
list(SORT found)
if(NOT found STREQUAL wanted)
  message(FATAL_ERROR "files for '${found}' where '${wanted}' were expected")
endif()

# Churn's mean depends on the machine's speed: Little's law is checked where that is known.
if(NOT SCENARIO STREQUAL "churn")
  file(GLOB run ${FOLDER}/*)
  execute_process(COMMAND ${PROGRAM} validate ${run} --root ${ROOT} RESULT_VARIABLE status OUTPUT_VARIABLE faults
    ERROR_VARIABLE faults)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "validate: ${faults}")
  endif()
endif()
