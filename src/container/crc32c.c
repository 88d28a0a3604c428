/*
 * CRC-32C by eight bytes at a time ("slicing-by-8", Kounavis and Berry, 2005): a table for each of the eight places
 * that a byte may have. They are filled when the first checksum is asked for: as constants they were 8 KB of every page
 * that carries a decoder.
 */
#include <pthread.h>

#include "container/v2.h"

#define POLYNOMIAL 0x82f63b78u /* Castagnoli's, lowest bit first */

static uint32_t table[8][256]; /* [k]: of a byte behind which k others come */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t crc = n;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][n] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int n = 0; n < 256; n++) table[k][n] = table[k - 1][n] >> 8 ^ table[0][table[k - 1][n] & 255];
}

/*
 * Of bytes with one wrong bit, right and wrong checksum differ by x^k modulo the polynomial, k being the bit's distance
 * from the checksum's end; up to 2^31 bits no two are the same, nor do two wrong bits look like one.
 */
int dfy_crc32c_mend(uint8_t *data, size_t size, uint32_t difference) {
    const uint64_t in_itself = 32;
    uint32_t power = 0x80000000u; /* 1: as above, the highest bit is the lowest power */
    for (uint64_t bit = 0; bit < in_itself + 8 * (uint64_t)size; bit++) {
        if (power == difference) {
            uint64_t back = bit - in_itself;
            if (bit >= in_itself) data[size - 1 - back / 8] ^= (uint8_t)(0x80 >> back % 8);
            return 1;
        }
        power = power >> 1 ^ (power & 1 ? POLYNOMIAL : 0);
    }
    return 0;
}

uint32_t dfy_crc32c(uint32_t crc, const uint8_t *data, size_t size) {
    pthread_once(&once, fill);
    crc = ~crc;
    for (; size >= 8; data += 8, size -= 8) {
        uint32_t low =
            crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
        crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
              table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
    }
    for (; size; data++, size--) crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
    return ~crc;
}
