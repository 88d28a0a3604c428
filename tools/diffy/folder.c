#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

enum { DEEPEST_FOLDER = 32 };

typedef struct Walk {
    const char *folder;
    int (*add)(void *context, const char *name);
    void *context;
} Walk;

/* What is below folder/prefix. */
static int walk(const Walk *w, const char *prefix, int depth) {
    char path[4096], name[4096];
    snprintf(path, sizeof path, "%s/%s", w->folder, prefix);
    DIR *folder = opendir(path);
    if (!folder) return complain("%s can't be opened (%s).", path, strerror(errno));
    int status = STATUS_GOOD;
    for (struct dirent *entry; !status && (entry = readdir(folder));) {
        struct stat facts;
        if (entry->d_name[0] == '.') continue;
        if (snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) >= (int)sizeof name)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", w->folder, name) >= (int)sizeof path) continue;
        if (stat(path, &facts)) continue;
        if (!S_ISDIR(facts.st_mode))
            status = w->add(w->context, name);
        else if (depth < DEEPEST_FOLDER)
            status = walk(w, name, depth + 1);
    }
    closedir(folder);
    return status;
}

int walk_folder(const char *folder, int (*add)(void *context, const char *name), void *context) {
    const Walk w = {folder, add, context};
    return walk(&w, "", 0);
}
