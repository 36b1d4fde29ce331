# Compiles through ccache where it is installed, unless the user has chosen a launcher.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TARMAC_CCACHE ccache)
  mark_as_advanced(TARMAC_CCACHE)
  if(TARMAC_CCACHE)
    # Without the build folder in the key, the nested builds of the tests find what this one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_NOHASHDIR=1 ${TARMAC_CCACHE})
  endif()
endif()
