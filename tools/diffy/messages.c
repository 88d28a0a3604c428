/* One line on stderr for each message, opening with the program's name. */
#include "diffy/cli.h"

#include <stdarg.h>

static const char *program = "diffy";

void messages_from(const char *program_name) {
    program = program_name;
}

static void print_line(const char *prefix, const char *format, va_list arguments) {
    fflush(stdout);
    fprintf(stderr, "%s: %s", program, prefix);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments);
    va_end(arguments);
    return STATUS_FAILED;
}

int complain_usage(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("", format, arguments);
    va_end(arguments);
    return STATUS_USAGE;
}

void warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line("warning: ", format, arguments);
    va_end(arguments);
}
