// Must not compile, and the message must say why.
#include <tarmac/core/memoize.h>

#include <string>

void print(int);
static_assert(sizeof(tarmac::memoize(*static_cast<tarmac::CacheManager<std::string, int>*>(nullptr),
                                     "print", print)) > 0);
