// What most programs need, in one include. A component that was switched off is left out.
#pragma once

#if __has_include(<tarmac/core/cache_manager.h>)
#include <tarmac/core/cache_manager.h>
#endif
#if __has_include(<tarmac/strategies/catalog.h>)
#include <tarmac/strategies/catalog.h>
#endif
