/* Random numbers as a function of their place: the same (seed, place) gives the same number in any order. */
#ifndef DIFFY_SCENE_RANDOM_H
#define DIFFY_SCENE_RANDOM_H

#include <math.h>
#include <stdint.h>

/* SplitMix64's finaliser. */
static inline uint64_t hash_of(uint64_t seed, uint64_t place) {
    uint64_t z = seed + 0x9e3779b97f4a7c15u * (place + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 up to 1. */
static inline double uniform_of(uint64_t seed, uint64_t place) {
    return (double)(hash_of(seed, place) >> 11) * 0x1p-53;
}

/* Standard normal, cut at three deviations so that nothing leaves the table. */
static inline double normal_of(uint64_t seed, uint64_t place) {
    double radius = sqrt(-2 * log(1 - uniform_of(seed, 2 * place)));
    double value = radius * cos(6.283185307179586 * uniform_of(seed, 2 * place + 1));
    return value > 3 ? 3 : value < -3 ? -3 : value;
}

#endif
