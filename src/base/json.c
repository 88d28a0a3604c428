#include "base/json.h"

#include <string.h>

/* What is left to read. Every function below takes what it is named for off the front, or returns 0. */
typedef struct Text {
    const unsigned char *at, *end;
} Text;

static void skip_space(Text *t) {
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r')) t->at++;
}

static int take(Text *t, int byte) {
    if (t->at >= t->end || *t->at != byte) return 0;
    t->at++;
    return 1;
}

static int is_digit(const Text *t) {
    return t->at < t->end && *t->at >= '0' && *t->at <= '9';
}

static int digits(Text *t) {
    if (!is_digit(t)) return 0;
    while (is_digit(t)) t->at++;
    return 1;
}

static int number(Text *t) {
    take(t, '-');
    if (!take(t, '0') && !digits(t)) return 0;
    if (take(t, '.') && !digits(t)) return 0;
    if (!take(t, 'e') && !take(t, 'E')) return 1;
    if (!take(t, '+')) take(t, '-');
    return digits(t);
}

/* One character of several bytes: no overlong form, no surrogate, none above U+10FFFF. */
static int wide_character(Text *t) {
    static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = *t->at++, bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || (size_t)(t->end - t->at) < bytes - 1) return 0;
    unsigned value = first & (0x7Fu >> bytes);
    for (unsigned i = 1; i < bytes; i++, t->at++) {
        if ((*t->at & 0xC0) != 0x80) return 0;
        value = value << 6 | (*t->at & 0x3F);
    }
    return value >= least[bytes] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

static int escape(Text *t) {
    if (t->at >= t->end) return 0;
    if (*t->at != 'u') return *t->at && strchr("\"\\/bfnrt", *t->at++) != NULL;
    t->at++;
    for (int i = 0; i < 4; i++, t->at++)
        if (t->at >= t->end || !*t->at || !strchr("0123456789abcdefABCDEF", *t->at)) return 0;
    return 1;
}

static int string(Text *t) {
    if (!take(t, '"')) return 0;
    while (t->at < t->end) {
        if (take(t, '"')) return 1;
        if (*t->at < 0x20) return 0;
        if (take(t, '\\')) {
            if (!escape(t)) return 0;
        } else if (*t->at < 0x80) {
            t->at++;
        } else if (!wide_character(t)) {
            return 0;
        }
    }
    return 0;
}

static int word(Text *t, const char *wanted) {
    size_t size = strlen(wanted);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, wanted, size)) return 0;
    t->at += size;
    return 1;
}

static int value(Text *t, int depth);

/* Members or elements up to the closing byte; an object's have names. */
static int list(Text *t, int named, int depth) {
    int close = named ? '}' : ']';
    t->at++;
    skip_space(t);
    if (take(t, close)) return 1;
    do {
        skip_space(t);
        if (named) {
            if (!string(t)) return 0;
            skip_space(t);
            if (!take(t, ':')) return 0;
        }
        if (!value(t, depth + 1)) return 0;
        skip_space(t);
    } while (take(t, ','));
    return take(t, close);
}

static int value(Text *t, int depth) {
    skip_space(t);
    if (depth > DFY_JSON_DEPTH || t->at >= t->end) return 0;
    switch (*t->at) {
    case '{': return list(t, 1, depth);
    case '[': return list(t, 0, depth);
    case '"': return string(t);
    case 't': return word(t, "true");
    case 'f': return word(t, "false");
    case 'n': return word(t, "null");
    default: return number(t);
    }
}

int dfy_is_json_object(const char *text, size_t size_bytes) {
    Text t = {(const unsigned char *)text, (const unsigned char *)text + size_bytes};
    skip_space(&t);
    if (t.at >= t.end || *t.at != '{' || !value(&t, 1)) return 0;
    skip_space(&t);
    return t.at == t.end;
}
