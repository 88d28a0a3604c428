/* The `diffy` command: picks the sub-command. */
#include "cli.h"

#include <signal.h>
#include <string.h>

static const Command commands[] = {
    {"encode", "makes a .dfy file from a video, Y4M, or images", run_encode},
    {"decode", "turns a .dfy file back into Y4M, images or MP4", run_decode},
    {"info", "tells what a .dfy file holds: header, chunks, cycles", run_info},
    {"compare", "measures PSNR and SSIM between any two inputs", run_compare},
    {"verify", "checks every checksum of a .dfy file", run_verify},
    {"splat", "the same for sequences of Gaussian-splat models", run_splat},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *stream) {
    fputs("diffy: long video of repetitive work from a fixed camera, made very small\n\n"
          "usage: diffy COMMAND [options] ...\n\n",
          stream);
    for (int i = 0; i < COMMAND_COUNT; i++) fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`diffy COMMAND --help` explains a command. Exit status: 0 good, 1 failed, 2 bad usage.\n", stream);
}

int main(int argc, char **argv) {
    messages_from("diffy");
    signal(SIGPIPE, SIG_IGN); /* a reader that left shows as a write error */
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return STATUS_GOOD;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 2, argv + 2);
    return complain_usage("There is no command \"%s\": see diffy --help.", argv[1]);
}
