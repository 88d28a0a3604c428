/* The command line on a file made of the fuzzer's bytes, in this process: no line of it may crash, leak or hang. */
#ifndef DFY_FUZZ_CLI_H
#define DFY_FUZZ_CLI_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diffy/cli.h"

#define FUZZ_FOLDER "/tmp/diffy-fuzz-%d"

/* A path in this process's own folder, which is made when first asked for. */
static const char *fuzz_path(char *to, size_t room, const char *name) {
    char folder[64];
    snprintf(folder, sizeof folder, FUZZ_FOLDER, (int)getpid());
    static int made;
    if (!made++) {
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s && mkdir -p %s", folder, folder);
        if (system(command)) abort();
        if (!freopen("/dev/null", "w", stdout)) abort();
        complaints_pause(1);
    }
    snprintf(to, room, "%s/%s", folder, name);
    return to;
}

static void fuzz_write(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
}

/* Runs a command on words that end with NULL. */
static int fuzz_run(int (*run)(int, char **), const char *const *words) {
    static char copy[24][256];
    char *argv[25];
    int argc = 0;
    for (; words[argc]; argc++) argv[argc] = strcpy(copy[argc], words[argc]);
    argv[argc] = NULL;
    int status = run(argc, argv);
    if (status != STATUS_GOOD && status != STATUS_FAILED && status != STATUS_USAGE) abort();
    return status;
}

#endif
