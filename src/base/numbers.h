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
static inline int dfy_at_most(int value, int most) {
    return value < most ? value : most;
}
static inline uint32_t dfy_count_at_most(uint32_t count, uint32_t most) {
    return count < most ? count : most;
}
/* -limit..limit, which an int32_t holds. */
static inline int32_t dfy_within(int64_t value, int32_t limit) {
    return (int32_t)(value < -limit ? -limit : value > limit ? limit : value);
}

#endif
