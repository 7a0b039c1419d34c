#include "tests/guest/flat/word_functions.h"

#include "guest/flat/words.h"

bool flat_test_load64(const void *at, uint64_t *value) { return flat_load64(at, value); }

void flat_test_grow64(void *at, uint64_t value) { flat_grow64(at, value, memory_order_seq_cst); }
