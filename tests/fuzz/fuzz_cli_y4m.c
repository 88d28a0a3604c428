/* Any bytes as a Y4M: encoded, and what came of it is whole and decodes. */
#include "cli.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char in[128], out[128], back[128], head[512];
    fuzz_path(in, sizeof in, "in.y4m");
    fuzz_path(out, sizeof out, "out.dfy");
    fuzz_path(back, sizeof back, "back.y4m");
    /* Pictures of millions of pixels only take longer. */
    snprintf(head, sizeof head, "%.*s", (int)(size < 200 ? size : 200), (const char *)data);
    for (const char *at = head; (at = strpbrk(at, "WH")); at++)
        if (atoi(at + 1) > 200) return 0;
    fuzz_write(in, data, size);
    int status =
        fuzz_run(run_encode, (const char *[]){"--effort", "1", "--threads", "1", "--frames", "6", in, out, NULL});
    if (!status && fuzz_run(run_verify, (const char *[]){out, NULL})) abort();
    if (!status && fuzz_run(run_decode, (const char *[]){out, back, NULL})) abort();
    remove(out);
    return 0;
}
