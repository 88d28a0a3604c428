/* `diffy splat`: sequences of Gaussian-splat models to .dfy and back, facts about them, and errors between them. */
#include "splat_cli.h"

#include <string.h>

static const Command commands[] = {
    {"encode", "makes a .dfy file from a sequence of splat models", run_splat_encode},
    {"decode", "turns a .dfy splat stream back into models", run_splat_decode},
    {"info", "prints what is in a .dfy splat stream", run_splat_info},
    {"compare", "measures each attribute's error between two sequences", run_splat_compare},
};

int run_splat(int argc, char **argv) {
    int help = argc > 0 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"));
    keep_memory();
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[0], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    if (argc > 0 && !help)
        return complain_usage(
            "There is no command \"splat %s\"%s: see diffy splat --help.", argv[0],
            did_you_mean(argv[0], &commands[0].name, sizeof commands / sizeof *commands, sizeof *commands));
    FILE *stream = help ? stdout : stderr;
    fputs("usage: diffy splat COMMAND [options] ...\n\n", stream);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`diffy splat COMMAND --help` explains a command.\n", stream);
    return help ? STATUS_GOOD : STATUS_USAGE;
}
