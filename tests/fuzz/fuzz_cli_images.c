/* Any bytes as an image (PNG, JPEG, WebP, GIF, TIFF, BMP), or as a zip of some: an error, or a file that is whole. */
#include "cli.h"
#include "repair.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return repair_mutate(data, size, most, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"in.png", "in.jpg", "in.webp", "in.gif", "in.tiff", "in.bmp"};
    char in[128], out[128];
    int zip = size > 4 && !memcmp(data, "PK\3\4", 4);
    fuzz_path(in, sizeof in, zip ? "in.zip" : names[size ? data[size - 1] % 6 : 0]);
    fuzz_path(out, sizeof out, "out.dfy");
    fuzz_write(in, data, size);
    int status = fuzz_run(run_encode, (const char *[]){"--effort", "1", "--threads", "1", "--frames", "4",
                                                       "--max-width", "64", "--on-error", "skip", in, out, NULL});
    if (!status && fuzz_run(run_verify, (const char *[]){out, NULL})) abort();
    remove(out);
    remove(in);
    return 0;
}
