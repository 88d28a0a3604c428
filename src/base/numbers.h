/* Numbers held between limits. */
#ifndef DFY_BASE_NUMBERS_H
#define DFY_BASE_NUMBERS_H

#include <stdint.h>

static inline int dfy_clamp(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}
static inline uint8_t dfy_clamp_pixel(int value) {
    return (uint8_t)dfy_clamp(value, 0, 255);
}
static inline int dfy_min(int a, int b) {
    return a < b ? a : b;
}
static inline int dfy_max(int a, int b) {
    return a > b ? a : b;
}
static inline uint32_t dfy_min_count(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}
/* -limit..limit, which an int32_t holds. */
static inline int32_t dfy_within(int64_t value, int32_t limit) {
    return (int32_t)(value < -limit ? -limit : value > limit ? limit : value);
}

#endif
