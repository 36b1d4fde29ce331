# Compiles through ccache where it is installed, unless the user has chosen a launcher.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TARMAC_CCACHE ccache)
  mark_as_advanced(TARMAC_CCACHE)
  if(TARMAC_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${TARMAC_CCACHE})
  endif()
endif()
