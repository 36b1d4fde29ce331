# The libraries the rooms use: the packages of Debian 12, listed in packages.txt. Found here once, at
# the root, because an imported target is only visible below the folder that found it.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(zstd REQUIRED)
find_package(ZLIB REQUIRED)

if(TARMAC_WITH_PROMETHEUS)
  find_package(prometheus-cpp REQUIRED)
endif()
if(TARMAC_WITH_SQLITE)
  find_package(SQLite3 3.35 REQUIRED)
endif()
if(TARMAC_WITH_YAML)
  find_package(yaml-cpp 0.7 REQUIRED)
  if(NOT TARGET yaml-cpp::yaml-cpp)  # The name before 0.8.
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
  endif()
endif()
if(TARMAC_BUILD_DEMO)
  find_package(CLI11 2.1 REQUIRED)
endif()

# The room `testing` is a library for GoogleTest users, so it exists wherever GoogleTest does.
if(TARMAC_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
  find_package(rapidcheck REQUIRED)
else()
  find_package(GTest 1.12)
endif()

if(TARMAC_BUILD_BENCH AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/bench/CMakeLists.txt)
  find_package(benchmark REQUIRED)
endif()
