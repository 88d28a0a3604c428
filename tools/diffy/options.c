/* Options of a command from one table: parsing, range checks and --help come from the same lines. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void print_usage(const Usage *usage) {
    printf("usage: %s\n\n%s", usage->synopsis, usage->text);
    if (usage->option_count) puts("\noptions:");
    for (size_t i = 0; i < usage->option_count; i++) {
        const Option *option = &usage->options[i];
        char names[64];
        snprintf(names, sizeof names, "%s%s%s%s%s", option->short_name ? option->short_name : "",
                 option->short_name ? ", " : "", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        if (strlen(names) > 26)
            printf("  %s\n  %-26s %s\n", names, "", option->help);
        else
            printf("  %-26s %s\n", names, option->help);
    }
}

/* Whether text is one of "a|b|c". */
static int is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == length && !strncmp(at, text, length)) return 1;
    return 0;
}

/* Letters to add, leave out, change or swap with the next to make b of a. */
static size_t distance_of(const char *a, const char *b) {
    enum { LONGEST = 31 };
    size_t n = strlen(a), m = strlen(b), rows[3][LONGEST + 1] = {{0}};
    if (n > LONGEST || m > LONGEST) return LONGEST;
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *spare = before;
        before = last, last = row, row = spare;
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t least = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < least) least = last[j] + 1;
            if (row[j - 1] + 1 < least) least = row[j - 1] + 1;
            int swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < least) least = before[j - 2] + 1;
            row[j] = least;
        }
    }
    return row[m];
}

const char *did_you_mean(const char *word, const char *const *names, size_t count, size_t stride_bytes) {
    static char text[64];
    size_t nearest = strlen(word) / 3 + 1; /* further away is another word */
    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride_bytes);
        size_t distance = distance_of(word, name);
        if (distance >= nearest) continue;
        nearest = distance;
        snprintf(text, sizeof text, " (did you mean %s?)", name);
    }
    return text;
}

static int parse_bytes(const char *text, uint64_t *bytes) {
    char *end;
    double value = strtod(text, &end);
    double unit = *end == 'k' || *end == 'K' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    if (unit > 1) end++;
    if (*end == 'B') end++;
    if (end == text || *end || !(value * unit >= 1 && value * unit < 1e18)) return -1;
    *bytes = (uint64_t)(value * unit);
    return 0;
}

/* Where an option's value is. */
static void *place_of(void *base, const Option *option) {
    return base ? (char *)base + (uintptr_t)option->value : option->value;
}

static int set_value(const Option *option, void *place, const char *text) {
    char *end;
    switch (option->kind) {
    case OPTION_FLAG: break;
    case OPTION_INT: {
        long value = strtol(text, &end, 10);
        if (end == text || *end || (double)value < option->minimum || (double)value > option->maximum)
            return complain_usage("%s needs a whole number from %.0f to %.0f, not %s.", option->name, option->minimum,
                                  option->maximum, text);
        *(int *)place = (int)value;
        break;
    }
    case OPTION_NUMBER: {
        double value = strtod(text, &end);
        if (end == text || *end || !(value >= option->minimum && value <= option->maximum))
            return complain_usage("%s needs a number from %g to %g, not %s.", option->name, option->minimum,
                                  option->maximum, text);
        *(double *)place = value;
        break;
    }
    case OPTION_BYTES:
        if (parse_bytes(text, place))
            return complain_usage("%s %s is not a size: give bytes, such as 1500, 20k or 4M.", option->name, text);
        break;
    case OPTION_TEXT:
        if (strchr(option->argument, '|') && !is_choice(option->argument, text))
            return complain_usage("%s %s is unknown: choose %s.", option->name, text, option->argument);
        *(const char **)place = text;
        break;
    }
    return PARSE_GO_ON;
}

/* The option that argument names, and where its value begins when that is in the same word ("--q=5", "-q5"). */
static const Option *find_option(const Usage *usage, const char *argument, const char **value) {
    *value = NULL;
    for (size_t i = 0; i < usage->option_count; i++) {
        const Option *option = &usage->options[i];
        size_t length = strlen(option->name);
        if (!strncmp(argument, option->name, length) && (!argument[length] || argument[length] == '=')) {
            if (argument[length]) *value = argument + length + 1;
            return option;
        }
        if (option->short_name && !strncmp(argument, option->short_name, 2)) {
            if (argument[2]) *value = argument + 2 + (argument[2] == '=');
            return option;
        }
    }
    return NULL;
}

/* One option at argv[*at]; moves *at over a value in the next word. */
static int parse_option(const Usage *usage, void *base, int argc, char **argv, int *at) {
    const char *value;
    const Option *option = find_option(usage, argv[*at], &value);
    if (!option)
        return complain_usage("There is no option %s%s: usage: %s", argv[*at],
                              usage->option_count ? did_you_mean(argv[*at], &usage->options[0].name,
                                                                 usage->option_count, sizeof *usage->options)
                                                  : "",
                              usage->synopsis);
    if (option->kind == OPTION_FLAG) {
        if (value) return complain_usage("%s takes no value.", option->name);
        *(int *)place_of(base, option) = 1;
        return PARSE_GO_ON;
    }
    if (!value) {
        if (*at + 1 >= argc) return complain_usage("%s needs a value: %s.", option->name, option->argument);
        value = argv[++*at];
    }
    return set_value(option, place_of(base, option), value);
}

int parse_options_at(const Usage *usage, void *base, int argc, char **argv, const char **positional) {
    int count = 0, options_end = 0;
    for (int i = 0; i < usage->most; i++) positional[i] = NULL;
    for (int at = 0; at < argc; at++) {
        const char *argument = argv[at];
        if (!options_end && (!strcmp(argument, "--help") || !strcmp(argument, "-h"))) {
            print_usage(usage);
            return STATUS_GOOD;
        }
        if (!options_end && !strcmp(argument, "--")) {
            options_end = 1;
        } else if (!options_end && argument[0] == '-' && argument[1]) {
            int status = parse_option(usage, base, argc, argv, &at);
            if (status != PARSE_GO_ON) return status;
        } else {
            if (count == usage->most)
                return complain_usage("\"%s\" is one argument too many: usage: %s", argument, usage->synopsis);
            positional[count++] = argument;
        }
    }
    if (count < usage->least) return complain_usage("An argument is missing: usage: %s", usage->synopsis);
    return PARSE_GO_ON;
}

int parse_options(const Usage *usage, int argc, char **argv, const char **positional) {
    return parse_options_at(usage, NULL, argc, argv, positional);
}
