#include "libav.h"

#include <dlfcn.h>
#include <string.h>

#include "cli.h"

Libav libav;

typedef struct Function {
    const char *name;
    size_t place; /* in Libav */
} Function;

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)
#define FILE_NAME(library, major) "lib" library ".so." NUMBER(major)
#define ENTRY(name) {#name, offsetof(Libav, name)},

static int load(const char *file, const Function *functions, size_t count) {
    void *library = dlopen(file, RTLD_LAZY);
    if (!library)
        return complain("Reading videos needs FFmpeg's %s, which is not installed: install it, or use Y4M or images.",
                        file);
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return complain("%s lacks %s: install the version of FFmpeg that this was built with.", file,
                            functions[i].name);
        memcpy((char *)&libav + functions[i].place, &function, sizeof function);
    }
    return STATUS_GOOD;
}

int libav_load(void) {
    static const Function util[] = {LIBAVUTIL_FUNCTIONS(ENTRY)}, codec[] = {LIBAVCODEC_FUNCTIONS(ENTRY)};
    static const Function format[] = {LIBAVFORMAT_FUNCTIONS(ENTRY)}, scale[] = {LIBSWSCALE_FUNCTIONS(ENTRY)};
    if (libav.loaded) return STATUS_GOOD;
    if (load(FILE_NAME("avutil", LIBAVUTIL_VERSION_MAJOR), util, sizeof util / sizeof *util) ||
        load(FILE_NAME("avcodec", LIBAVCODEC_VERSION_MAJOR), codec, sizeof codec / sizeof *codec) ||
        load(FILE_NAME("avformat", LIBAVFORMAT_VERSION_MAJOR), format, sizeof format / sizeof *format) ||
        load(FILE_NAME("swscale", LIBSWSCALE_VERSION_MAJOR), scale, sizeof scale / sizeof *scale))
        return STATUS_FAILED;
    libav.av_log_set_level(AV_LOG_QUIET); /* errors are told in one line of our own */
    libav.loaded = 1;
    return STATUS_GOOD;
}

const AVInputFormat *libav_device_format(const char *name) {
    /* Both libraries have always had the same major number since there have been these numbers. */
    void *library = dlopen(FILE_NAME("avdevice", LIBAVFORMAT_VERSION_MAJOR), RTLD_LAZY);
    void (*register_all)(void) = NULL;
    void *function = library ? dlsym(library, "avdevice_register_all") : NULL;
    if (!function) return NULL;
    memcpy(&register_all, &function, sizeof register_all);
    register_all();
    return libav.av_find_input_format(name);
}
