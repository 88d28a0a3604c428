/* Lists of names and numbers on the command line of `diffy splat`. */
#include <stdlib.h>
#include <string.h>

#include "splat_cli.h"

int parse_named_list(const char *text, SetNamed set, void *opaque) {
    while (*text) {
        const char *equals = strchr(text, '='), *comma = strchr(text, ',');
        if (!equals || (comma && comma < equals)) return STATUS_USAGE;
        int status = set(opaque, text, (size_t)(equals - text), equals + 1);
        if (status) return status;
        text = comma ? comma + 1 : text + strlen(text);
    }
    return STATUS_GOOD;
}

typedef struct Errors {
    double *values, unit_metres;
} Errors;

static int attribute_of(const char *name, size_t length) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (strlen(dfy_splat_attribute_names[a]) == length && !strncmp(dfy_splat_attribute_names[a], name, length))
            return a;
    return -1;
}

/* What a unit behind a length makes of it; 0 when it is none. */
static double unit_factor(const char *unit, double unit_metres) {
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"um", 1e-6}, {"mm", 1e-3}, {"cm", 1e-2}, {"dm", 1e-1}, {"m", 1}, {"km", 1e3}};
    size_t length = strcspn(unit, ",");
    if (!length) return 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == length && !strncmp(unit, units[i].name, length))
            return units[i].metres / unit_metres;
    return 0;
}

static int set_error(void *opaque, const char *name, size_t length, const char *text) {
    Errors *errors = opaque;
    int attribute = attribute_of(name, length);
    char *end;
    double value = strtod(text, &end);
    if (attribute < 0 || end == text) return STATUS_USAGE;
    value *= attribute == DFY_SPLAT_POSITION ? unit_factor(end, errors->unit_metres) : !*end || *end == ',';
    if (!(value > 0 && value < 1e6)) return STATUS_USAGE;
    errors->values[attribute] = value;
    return STATUS_GOOD;
}

int parse_attribute_list(double *values, const char *text, const char *option, double unit_metres) {
    Errors errors = {values, unit_metres};
    if (!parse_named_list(text, set_error, &errors)) return STATUS_GOOD;
    return complain_usage("%s %s is not a list like position=0.5mm,rotation=0.5: the names are position (with or "
                          "without um, mm, cm, m), scale, alpha, dc, rotation and sh.",
                          option, text);
}
