/* Any bytes as a gyroscope's CSV beside a small film. */
#include "cli.h"

static void write_film(const char *path) {
    static uint8_t frame[6 + 16 * 16 * 3 / 2] = "FRAME\n";
    FILE *file = fopen(path, "wb");
    if (!file) abort();
    fputs("YUV4MPEG2 W16 H16 F10:1 Ip C420jpeg\n", file);
    for (int i = 0; i < 4; i++) {
        memset(frame + 6, 90 + 20 * i, sizeof frame - 6);
        fwrite(frame, 1, sizeof frame, file);
    }
    if (fclose(file)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char film[128], csv[128], out[128];
    static int made;
    fuzz_path(film, sizeof film, "film.y4m");
    if (!made++) write_film(film);
    fuzz_write(fuzz_path(csv, sizeof csv, "gyro.csv"), data, size);
    fuzz_path(out, sizeof out, "out.dfy");
    if (!fuzz_run(run_encode, (const char *[]){"--format", "1", "--threads", "1", "--imu", csv, film, out, NULL}) &&
        fuzz_run(run_decode, (const char *[]){"--unwarp", out, film, NULL}))
        abort();
    made = 0; /* the film was decoded over */
    remove(out);
    return 0;
}
