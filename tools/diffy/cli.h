/*
 * What every command of `diffy` shares: the table of commands, options, messages, output files that appear only
 * when complete, progress, and the interrupt flag.
 */
#ifndef DIFFY_CLI_H
#define DIFFY_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diffy/diffy.h"

/* Exit statuses: scripts rely on them. */
enum { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* One command. run gets the arguments behind the command's name and returns an exit status. */
typedef struct Command {
    const char *name;
    const char *summary; /* one line in `diffy --help` */
    int (*run)(int argc, char **argv);
} Command;

int run_encode(int argc, char **argv);
int run_analyse(int argc, char **argv);
int run_decode(int argc, char **argv);
int run_join(int argc, char **argv);
int run_repair(int argc, char **argv);
int run_info(int argc, char **argv);
int run_compare(int argc, char **argv);
int run_verify(int argc, char **argv);
int run_splat(int argc, char **argv);

/* ---------------------------------------------------------------- messages (messages.c) */

void messages_from(const char *program_name); /* default: diffy */

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/* One line on stderr: what went wrong, where, what to do. Return the exit status that goes with it. */
int complain(const char *format, ...) PRINTF_LIKE(1, 2);
int complain_usage(const char *format, ...) PRINTF_LIKE(1, 2);
void warn(const char *format, ...) PRINTF_LIKE(1, 2);

/* Between 1 and 0 neither complaints nor warnings are printed: for what is tried again. */
void complaints_pause(int pause);

/* What `complain` adds to its line, NULL: nothing; asked each time. */
void complaints_end_with(const char *(*tail)(const void *opaque), const void *opaque);

/* ---------------------------------------------------------------- memory (memory.c) */

/* For work that allocates and frees the same megabytes again and again: what is freed stays with the process. */
void keep_memory(void);

/* ---------------------------------------------------------------- options (options.c) */

typedef enum OptionKind {
    OPTION_FLAG,   /* int: set to 1 */
    OPTION_INT,    /* int, in minimum..maximum */
    OPTION_NUMBER, /* double, in minimum..maximum */
    OPTION_BYTES,  /* uint64_t: "1500", "20k", "4M", "1G" (powers of 1000) */
    OPTION_TEXT    /* const char *; with choices, one of them: "png|jpg" */
} OptionKind;

typedef struct Option {
    const char *name; /* with its dashes: "--frames" */
    const char *short_name;
    OptionKind kind;
    void *value;          /* an int, double, uint64_t or const char *; for parse_options_at, its offset */
    const char *argument; /* how the help names it; for OPTION_TEXT with a '|', the choices */
    const char *help;
    double minimum, maximum;
} Option;

typedef struct Usage {
    const char *synopsis; /* "diffy encode [options] INPUT OUTPUT.dfy" */
    const char *text;     /* what it does, lines ready to print */
    const Option *options;
    size_t option_count;
    int least, most; /* positional arguments */
} Usage;

enum { PARSE_GO_ON = -1 };

/*
 * Fills the options' values and positional[] (usage->most of them). Returns PARSE_GO_ON, or the exit status when
 * help was printed or the arguments are wrong.
 */
int parse_options(const Usage *usage, int argc, char **argv, const char **positional);
/* The same where values are offsets from `base`, so that the table of options can be constant. */
int parse_options_at(const Usage *usage, void *base, int argc, char **argv, const char **positional);

/*
 * For a sentence on a word that isn't known: " (did you mean encode?)" when one of the names is near, else "". names
 * begins with the first of count names, which lie stride_bytes apart. The text stays until the next call.
 */
const char *did_you_mean(const char *word, const char *const *names, size_t count, size_t stride_bytes);

/* ---------------------------------------------------------------- files (files.c) */

/* A file that gets its own name only when complete. "-" is stdout; what isn't a regular file is written in place. */
typedef struct OutputFile {
    FILE *stream;
    const char *path;
    char *part_path; /* NULL when written in place */
    int error;       /* errno of the first write that failed */
} OutputFile;

/* 0 when path may become the output of what is read from input; complains when it is the same file. */
int output_spares(const char *path, const char *input);
/* The same for a .dfy file, which neither has another kind's name nor takes its place; STATUS_USAGE for the name. */
int dfy_output_spares(const char *path, const char *input);

int output_open(OutputFile *file, const char *path); /* complains by itself; 0 or STATUS_FAILED */
int output_keep(OutputFile *file);                   /* flushes, closes, renames; the same */
int output_keep_safely(OutputFile *file);            /* the same, and it is on the disk for certain */
void output_drop(OutputFile *file);                  /* closes and removes; fine after output_keep */
int output_failed(const OutputFile *file);           /* whether a write failed, and then complains about it */

/* Whether path is stdout, a pipe or a device, which no file can take the place of. */
int is_written_in_place(const char *path);

/* Writes the folder that path is in to the disk, so that its name survives a power cut; 0 or -1 with errno. */
int sync_folder_of(const char *path);

/* What to do about an output that can't be written, by errno: the end of a sentence. */
const char *remedy(int error);

/* What a temporary file or folder beside path is called, as mkstemp and mkdtemp want it; NULL: no memory. */
char *part_template(const char *path);

/* Writes to an OutputFile; a DfyOutput. */
DfyOutput output_for_encoder(OutputFile *file);

/* Reads a file; a DfyInput. */
int input_open(DfyInput *input, const char *path); /* complains by itself */
int input_open_stdin(DfyInput *input);             /* which only goes forward */
void input_close(DfyInput *input);

/* Opens a .dfy file; complains by itself. Close both in any case. */
int decoder_open(DfyDecoder **decoder, DfyInput *input, const char *path, const DfyDecoderSettings *settings);

int has_extension(const char *path, const char *extension); /* without the dot, any case */

/* ---------------------------------------------------------------- interrupt and progress */

/* Ctrl-C and SIGTERM set a flag, so that the file can be finished; a second one ends at once. */
void interrupt_watch(void);
int interrupted(void);
void interrupt_removes(const char *part_path); /* what the second one removes; NULL: nothing */
void interrupt_says(const char *text);         /* what it says on its way out, kept by the caller; NULL: nothing */
void interrupt_cuts(int handle, uint64_t size_bytes); /* cuts the file down to this size on its way out; -1: none */
/*
 * Instead of interrupt_watch: a read that waits for an input fails with EINTR, so that nothing is waited for; and
 * SIGHUP counts as an interrupt, too, unless it is ignored.
 */
void interrupt_wakes(void);
int hung_up(void); /* whether SIGHUP came */

typedef struct Progress {
    int visible;
    double start, last;
    int drawn_length;
    const char *stage;   /* the one shown */
    double stage_start;  /* when its first frames were done */
    uint64_t stage_from; /* how many these were */
} Progress;

/* when: auto, always or never. Called again for another stage, it measures speed anew on the same line. */
void progress_start(Progress *progress, const char *when);
void progress_show(Progress *progress, const char *stage, uint64_t done, uint64_t total);
void progress_end(Progress *progress);

double seconds_now(void);

#endif
