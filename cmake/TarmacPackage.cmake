# The umbrella target tarmac::tarmac, and the installed package: one component for each room.
get_property(exported GLOBAL PROPERTY TARMAC_EXPORTED_ROOMS)

add_library(tarmac_tarmac INTERFACE)
add_library(tarmac::tarmac ALIAS tarmac_tarmac)
target_sources(tarmac_tarmac INTERFACE
               FILE_SET HEADERS BASE_DIRS include FILES include/tarmac/tarmac.h)
set_target_properties(tarmac_tarmac PROPERTIES
  EXPORT_NAME tarmac
  VERIFY_INTERFACE_HEADER_SETS ON)
set(umbrella_rooms "")
foreach(room IN LISTS exported)
  if(NOT room IN_LIST TARMAC_UMBRELLA_EXCLUDES)
    target_link_libraries(tarmac_tarmac INTERFACE tarmac::${room})
    list(APPEND umbrella_rooms ${room})
  endif()
endforeach()

if(NOT TARMAC_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
set(TARMAC_COMPONENT_TABLE "set(_tarmac_rooms_tarmac \"${umbrella_rooms}\")\n")
string(APPEND TARMAC_COMPONENT_TABLE "set(_tarmac_packages_tarmac \"\")\n")
foreach(room IN LISTS exported)
  get_property(rooms GLOBAL PROPERTY TARMAC_${room}_ROOMS)
  get_property(packages GLOBAL PROPERTY TARMAC_${room}_PACKAGES)
  string(APPEND TARMAC_COMPONENT_TABLE
         "set(_tarmac_rooms_${room} \"${rooms}\")\n"
         "set(_tarmac_packages_${room} \"${packages}\")\n")
endforeach()
string(JOIN " " TARMAC_COMPONENTS ${exported} tarmac)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tarmac)
configure_package_config_file(cmake/tarmacConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/tarmacConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tarmacConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tarmacConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tarmacConfigVersion.cmake
              cmake/Findhiredis.cmake
        DESTINATION ${package_dir})
install(TARGETS tarmac_tarmac EXPORT tarmac-tarmac
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tarmac-tarmac FILE tarmac-tarmac.cmake NAMESPACE tarmac:: DESTINATION ${package_dir})
