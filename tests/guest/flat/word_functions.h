// The functions of guest/flat/words.h, which C++ cannot include, for tests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

bool flat_test_load64(const void *at, uint64_t *value);
void flat_test_grow64(void *at, uint64_t value);

#ifdef __cplusplus
}
#endif
