/* The `diffy` command: picks the sub-command. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const Command commands[] = {
    {"encode", "makes a .dfy file from a video, Y4M, or images", run_encode},
    {"analyse", "finds the background that parts of a recording share", run_analyse},
    {"decode", "turns a .dfy file back into Y4M, images or MP4", run_decode},
    {"join", "puts parts of one recording together", run_join},
    {"repair", "finishes a .dfy.part that was interrupted", run_repair},
    {"info", "prints what is in a .dfy file: header, chunks, cycles", run_info},
    {"compare", "measures PSNR, SSIM and MS-SSIM between any two inputs", run_compare},
    {"verify", "checks that a .dfy file is intact", run_verify},
    {"splat", "the same commands for sequences of Gaussian-splat models", run_splat},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *stream) {
    fputs("diffy: makes long video of repetitive work from a fixed camera very small\n\n"
          "usage: diffy COMMAND [options] ...\n\n",
          stream);
    for (int i = 0; i < COMMAND_COUNT; i++) fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`diffy COMMAND --help` explains a command; `diffy --version` prints the version.\n"
          "Exit status: 0 success, 1 failure, 2 wrong usage.\n",
          stream);
}

static int is_one_of(const char *word, const char *a, const char *b, const char *c) {
    return !strcmp(word, a) || !strcmp(word, b) || !strcmp(word, c);
}

static int run(int argc, char **argv) {
    char *explain[] = {"--help"};
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 2, argv + 2);
        if (argc > 2 && !strcmp(argv[1], "help") && !strcmp(argv[2], commands[i].name))
            return commands[i].run(1, explain);
    }
    if (is_one_of(argv[1], "--help", "-h", "help")) {
        print_help(stdout);
        return STATUS_GOOD;
    }
    if (is_one_of(argv[1], "--version", "-V", "version")) {
        puts("diffy " DFY_VERSION ", file formats 1 and 2");
        return STATUS_GOOD;
    }
    return complain_usage("There is no command \"%s\"%s: see diffy --help.", argv[1],
                          did_you_mean(argv[1], &commands[0].name, COMMAND_COUNT, sizeof *commands));
}

int main(int argc, char **argv) {
    messages_from("diffy");
    signal(SIGPIPE, SIG_IGN); /* a reader that left shows as a write error */
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    int status = run(argc, argv);
    if (status == STATUS_GOOD && (fflush(stdout) || ferror(stdout)))
        return complain("stdout can't be written (%s): the output is incomplete.", strerror(errno));
    return status;
}
