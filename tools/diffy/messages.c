/* One line on stderr for each message, opening with the program's name. */
#include "diffy/cli.h"

#include <stdarg.h>

static const char *program = "diffy";

void messages_from(const char *program_name) {
    program = program_name;
}

static const char *(*tail_of_complaints)(const void *opaque);
static const void *tail_opaque;

void complaints_end_with(const char *(*tail)(const void *opaque), const void *opaque) {
    tail_of_complaints = tail;
    tail_opaque = opaque;
}

static int is_paused;

void complaints_pause(int pause) {
    is_paused = pause;
}

static void print_line(const char *prefix, const char *format, va_list arguments, const char *tail) {
    if (is_paused) return;
    fflush(stdout);
    fprintf(stderr, "%s: %s", program, prefix);
    vfprintf(stderr, format, arguments);
    if (tail) fprintf(stderr, " %s", tail);
    fputc('\n', stderr);
}

int complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments, tail_of_complaints ? tail_of_complaints(tail_opaque) : NULL);
    va_end(arguments);
    return STATUS_FAILED;
}

int complain_usage(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments, NULL);
    va_end(arguments);
    return STATUS_USAGE;
}

void warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("warning: ", format, arguments, NULL);
    va_end(arguments);
}
