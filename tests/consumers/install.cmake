# cmake -D BUILD=… -D PREFIX=… -P install.cmake: installs a build tree into an empty folder.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
# Nothing installed may point back into the build or source tree, or the package breaks when it moves.
file(GLOB_RECURSE scripts ${PREFIX}/*.cmake)
if(NOT scripts)
  message(FATAL_ERROR "no package file was installed into ${PREFIX}")
endif()
foreach(script IN LISTS scripts)
  file(READ ${script} text)
  foreach(folder IN ITEMS ${SOURCE} ${BUILD} ${PREFIX})
    string(FIND "${text}" "${folder}/" position)
    if(NOT position EQUAL -1)
      message(FATAL_ERROR "${script} speaks of ${folder}")
    endif()
  endforeach()
endforeach()
