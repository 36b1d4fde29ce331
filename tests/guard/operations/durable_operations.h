// What is counted of durable caches.
#pragma once

#include <functional>

/// Its name is in guard.py: callgrind counts while it runs.
extern "C" void measured(const std::function<void()>& work);

void measure_durable();
