# Compiles through ccache where it is installed, unless the user has chosen a launcher.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TARMAC_CCACHE ccache)
  mark_as_advanced(TARMAC_CCACHE)
  if(TARMAC_CCACHE)
    # The build folder and the locale (which CTest sets to nothing) would be in the key: without them,
    # the nested builds of the tests find what others have compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER env LC_ALL=C LC_MESSAGES=C CCACHE_NOHASHDIR=1 ${TARMAC_CCACHE})
  endif()
endif()
