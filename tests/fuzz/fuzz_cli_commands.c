/*
 * The whole command line on files: the first byte says which command, the rest is its input. A .dfy's checksums are
 * made right most of the time, as are those of zips and PNGs.
 */
#include "cli.h"
#include "container/v2.h"
#include "repair.h"

static size_t repair_v2(uint8_t *data, size_t size) {
    for (size_t at = 4; at + DFY_V2_OVERHEAD_BYTES <= size;) {
        uint8_t *head = data + at;
        size_t left = size - at - DFY_V2_OVERHEAD_BYTES, payload = repair_be(head + 2);
        if (payload > left) repair_put_be(head + 2, (uint32_t)(payload = left));
        uint32_t check = dfy_crc32c(0, head, 6);
        head[6] = (uint8_t)(check >> 8);
        head[7] = (uint8_t)check;
        repair_put_be(head + DFY_V2_HEAD_BYTES + payload, dfy_crc32c(0, head, DFY_V2_HEAD_BYTES + payload));
        at += payload + DFY_V2_OVERHEAD_BYTES;
    }
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    if (size < 2) return LLVMFuzzerMutate(data, size, most);
    size = 1 + repair_mutate(data + 1, size - 1, most - 1, seed);
    if (seed % 8 && size > 5 && !memcmp(data + 1, "DFY\2", 4)) repair_v2(data + 1, size - 1);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char in[128], out[128], other[128];
    if (!size) return 0;
    fuzz_write(fuzz_path(in, sizeof in, "in.dfy"), data + 1, size - 1);
    fuzz_path(out, sizeof out, "out.dfy");
    fuzz_path(other, sizeof other, "out.y4m");
    switch (data[0] % 8) {
    case 0: fuzz_run(run_info, (const char *[]){"--json", in, NULL}); break;
    case 1: fuzz_run(run_info, (const char *[]){"--chunks", in, NULL}); break;
    case 2: fuzz_run(run_verify, (const char *[]){in, NULL}); break;
    case 3: fuzz_run(run_repair, (const char *[]){in, out, NULL}); break;
    case 4: fuzz_run(run_join, (const char *[]){in, in, out, NULL}); break;
    case 5: fuzz_run(run_decode, (const char *[]){"--memory-limit", "64M", "--frames", "0:9", in, other, NULL}); break;
    case 6: fuzz_run(run_splat, (const char *[]){"info", in, NULL}); break;
    default: fuzz_run(run_compare, (const char *[]){"--frames", "4", in, in, NULL}); break;
    }
    remove(out);
    remove(other);
    return 0;
}
