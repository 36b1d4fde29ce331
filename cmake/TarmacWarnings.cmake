# The warnings this project is compiled with. Linked PRIVATE and in the build tree only: a program
# that embeds the library keeps its own. Without -Wnull-dereference, -Wmaybe-uninitialized and
# -Wrestrict: GCC guesses with what it happens to inline (a moved std::optional is enough, and with
# -O3 the sum of two strings), so that the same line is right in one source and wrong in another;
# clang-tidy and the sanitizers follow the paths. Without -Wsubobject-linkage: it takes sources that
# are compiled together for headers.
add_library(tarmac_warnings INTERFACE)
target_compile_options(tarmac_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wold-style-cast -Wcast-align -Wcast-qual -Wformat=2 -Wnon-virtual-dtor -Woverloaded-virtual
  -Wunused -Wimplicit-fallthrough -Wundef
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wduplicated-branches;-Wlogical-op>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict;-Wno-subobject-linkage>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety;-Wextra-semi>)
if(TARMAC_WARNINGS_AS_ERRORS)
  target_compile_options(tarmac_warnings INTERFACE -Werror)
endif()
