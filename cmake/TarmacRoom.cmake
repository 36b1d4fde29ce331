# How a room, a program and a test executable are declared. See CONTRIBUTING for the five-step recipes.

# Every room, in the order of the arrows: a room may depend on those before it, and only as its own
# CMakeLists.txt says.
set(TARMAC_ROOMS
    core strategies policies stores durability observers testing advisor simulator config demo
    interview cli)

# Rooms that are libraries for this project's own programs: neither installed nor part of
# tarmac::tarmac, and always static, so that an installed program does not look for them.
set(TARMAC_PRIVATE_ROOMS demo interview cli)

# Rooms that are installed but stay out of tarmac::tarmac: a program should not link a test framework.
set(TARMAC_UMBRELLA_EXCLUDES testing ${TARMAC_PRIVATE_ROOMS})

# Libraries that are headers only. A room that uses one privately compiles with it, but its users do
# not need it, so it is left out of the installed targets.
set(TARMAC_HEADER_ONLY_LIBRARIES
    Boost::boost Boost::headers CLI11::CLI11 nlohmann_json::nlohmann_json)

# Which package a program must find before it links the installed library (find_dependency).
set(TARMAC_PACKAGE_OF_Threads "Threads")
set(TARMAC_PACKAGE_OF_Boost "Boost 1.81")
set(TARMAC_PACKAGE_OF_fmt "fmt")
set(TARMAC_PACKAGE_OF_spdlog "spdlog")
set(TARMAC_PACKAGE_OF_nlohmann_json "nlohmann_json")
set(TARMAC_PACKAGE_OF_prometheus-cpp "prometheus-cpp")
set(TARMAC_PACKAGE_OF_yaml-cpp "yaml-cpp")
set(TARMAC_PACKAGE_OF_SQLite "SQLite3")
set(TARMAC_PACKAGE_OF_hiredis "hiredis MODULE")
set(TARMAC_PACKAGE_OF_zstd "zstd")
set(TARMAC_PACKAGE_OF_ZLIB "ZLIB")
set(TARMAC_PACKAGE_OF_GTest "GTest")

# Sets <out> to those of the libraries that are rooms of this project and are not built (switched
# off, or not written yet). A misspelt room is an error here, not a skipped test.
function(tarmac_missing_rooms out)
  set(missing "")
  foreach(library IN LISTS ARGN)
    if(library MATCHES "^tarmac::(.+)$" AND NOT TARGET ${library})
      if(NOT CMAKE_MATCH_1 IN_LIST TARMAC_ROOMS)
        message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}: there is no room '${library}'")
      endif()
      list(APPEND missing ${library})
    endif()
  endforeach()
  set(${out} "${missing}" PARENT_SCOPE)
endfunction()

# tarmac_room(<name> [SOURCES …] [HEADERS …] [DEPENDS …] [PRIVATE_DEPENDS …])
#
# Declares the library tarmac_<name>, alias tarmac::<name>. HEADERS are the public headers, below
# include/tarmac/<name>/; the room sees its own include/ and those of what it DEPENDS on, and nothing
# else, so that an include against the arrows does not compile. DEPENDS is what the public headers
# need, PRIVATE_DEPENDS what only the sources need. A room that needs a room which is not built is
# skipped, and says so.
function(tarmac_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tarmac_room(${name}): unexpected ${arg_UNPARSED_ARGUMENTS}")
  endif()
  tarmac_missing_rooms(missing ${arg_DEPENDS} ${arg_PRIVATE_DEPENDS})
  if(missing)
    message(STATUS "tarmac: room '${name}' is left out, it needs ${missing}")
    return()
  endif()

  set(target tarmac_${name})
  set(private_room FALSE)
  if(name IN_LIST TARMAC_PRIVATE_ROOMS)
    set(private_room TRUE)
  endif()
  if(NOT arg_SOURCES)
    add_library(${target} INTERFACE)
    set(public INTERFACE)
  elseif(private_room)
    add_library(${target} STATIC)
    set(public PUBLIC)
  else()
    add_library(${target})
    set(public PUBLIC)
  endif()
  add_library(tarmac::${name} ALIAS ${target})

  set(internal_headers ${arg_HEADERS})
  list(FILTER internal_headers INCLUDE REGEX "/internal/")
  list(FILTER arg_HEADERS EXCLUDE REGEX "/internal/")
  if(arg_HEADERS)
    target_sources(${target} ${public}
                   FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  endif()
  if(internal_headers)
    target_sources(${target} ${public}
                   FILE_SET internal TYPE HEADERS BASE_DIRS include FILES ${internal_headers})
  endif()
  target_compile_features(${target} ${public} cxx_std_20)
  target_link_libraries(${target} ${public} ${arg_DEPENDS})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    VERIFY_INTERFACE_HEADER_SETS ON
    INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)

  if(arg_SOURCES)
    target_sources(${target} PRIVATE ${arg_SOURCES})
    target_include_directories(${target} PRIVATE src)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:tarmac_warnings>)
    foreach(library IN LISTS arg_PRIVATE_DEPENDS)
      if(library IN_LIST TARMAC_HEADER_ONLY_LIBRARIES)
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${library}>)
      else()
        target_link_libraries(${target} PRIVATE ${library})
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES
      CXX_EXTENSIONS OFF
      # Static and shared objects are then the same, so that the compiler cache serves both.
      POSITION_INDEPENDENT_CODE ON
      DEFINE_SYMBOL ""
      VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
      INSTALL_RPATH "$ORIGIN")
  endif()

  set_property(GLOBAL APPEND PROPERTY TARMAC_BUILT_ROOMS ${name})
  if(NOT private_room)
    tarmac_export_room(${name} ${arg_DEPENDS} ${arg_PRIVATE_DEPENDS})
  endif()
endfunction()

# Installs a room as the component <name> of the package, and remembers what a program that asks for
# this component must find first.
function(tarmac_export_room name)
  set(rooms "")
  set(packages "")
  foreach(library IN LISTS ARGN)
    if(library MATCHES "^tarmac::(.+)$")
      list(APPEND rooms ${CMAKE_MATCH_1})
    elseif(library IN_LIST arg_PRIVATE_DEPENDS AND library IN_LIST TARMAC_HEADER_ONLY_LIBRARIES)
      continue()
    else()
      string(REGEX REPLACE "::.*$" "" family "${library}")
      if(NOT DEFINED TARMAC_PACKAGE_OF_${family})
        message(FATAL_ERROR "tarmac_room(${name}): no package is known for '${library}'; "
                            "add a TARMAC_PACKAGE_OF_${family} to cmake/TarmacRoom.cmake")
      endif()
      list(APPEND packages "${TARMAC_PACKAGE_OF_${family}}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES packages)
  set_property(GLOBAL PROPERTY TARMAC_${name}_ROOMS "${rooms}")
  set_property(GLOBAL PROPERTY TARMAC_${name}_PACKAGES "${packages}")
  set_property(GLOBAL APPEND PROPERTY TARMAC_EXPORTED_ROOMS ${name})

  if(TARMAC_INSTALL)
    set(header_sets "")
    get_target_property(sets tarmac_${name} INTERFACE_HEADER_SETS)
    foreach(one IN LISTS sets)
      list(APPEND header_sets FILE_SET ${one} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    endforeach()
    install(TARGETS tarmac_${name} EXPORT tarmac-${name}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
      ${header_sets})
    install(EXPORT tarmac-${name}
      FILE tarmac-${name}.cmake
      NAMESPACE tarmac::
      DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tarmac)
  endif()
endfunction()

# tarmac_program(<target> OUTPUT_NAME <name> SOURCES … DEPENDS …)
#
# Declares an executable that is installed.
function(tarmac_program target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_NAME" "SOURCES;DEPENDS")
  tarmac_missing_rooms(missing ${arg_DEPENDS})
  if(missing)
    message(STATUS "tarmac: program '${arg_OUTPUT_NAME}' is left out, it needs ${missing}")
    return()
  endif()
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS} tarmac_warnings)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${arg_OUTPUT_NAME}
    CXX_EXTENSIONS OFF
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  if(TARMAC_INSTALL)
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# tarmac_test(<name> [WHOLE] [ONE_THREAD] SOURCES a_test.cpp … DEPENDS tarmac::x … [LABELS …]
#             [DEFINITIONS …] [TIMEOUT s])
#
# Declares one GoogleTest executable and registers each of its tests with CTest; with WHOLE all of
# them as one, as they share what is slow to start. ONE_THREAD: neither they nor what they test start
# a thread. Without LABELS its tests carry the label `unit`.
# TARMAC_SOURCE_DIR is defined for the sources: the root of the tree.
function(tarmac_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg
    "WHOLE;ONE_THREAD" "TIMEOUT" "SOURCES;DEPENDS;LABELS;DEFINITIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tarmac_test(${name}): unexpected ${arg_UNPARSED_ARGUMENTS}")
  endif()
  tarmac_missing_rooms(missing ${arg_DEPENDS})
  if(missing)
    message(STATUS "tarmac: tests '${name}' are left out, they need ${missing}")
    return()
  endif()
  if(arg_ONE_THREAD AND NOT TARMAC_TESTS_OF_ONE_THREAD)
    return()
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gmock_main tarmac_warnings)
  target_compile_definitions(${name} PRIVATE
    TARMAC_SOURCE_DIR="${tarmac_SOURCE_DIR}" ${arg_DEFINITIONS})
  if(NOT TARMAC_TESTS_OPTIMISED)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(arg_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
    return()
  endif()
  # Listed when ctest starts, not while the build runs: a test executable that cannot start is then a
  # failed test with a name, instead of a failed build.
  gtest_discover_tests(${name}
    NO_PRETTY_VALUES
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    TEST_PREFIX "${name}."
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# tarmac_bench(<name>_bench SOURCES … DEPENDS …)
#
# Declares one Google Benchmark executable, which `./run bench` builds and runs.
function(tarmac_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  if(NOT name MATCHES "_bench$")
    message(FATAL_ERROR "tarmac_bench(${name}): the name must end in _bench")
  endif()
  tarmac_missing_rooms(missing ${arg_DEPENDS})
  if(missing)
    message(STATUS "tarmac: benchmark '${name}' is left out, it needs ${missing}")
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} benchmark::benchmark_main tarmac_warnings)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  add_dependencies(tarmac_benches ${name})
endfunction()
