#include "video/syntax/episode_list.h"

#include <stdlib.h>

#include "base/status.h"
#include "container/v2.h"

/* Bytes of the UTF-8 character that begins here, 0 when it is none: too long a form, a surrogate, beyond Unicode. */
static size_t utf8_bytes(const uint8_t *at, size_t left) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t count = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (!count || count > left) return 0;
    uint32_t code = count == 1 ? at[0] : at[0] & (0xffu >> (count + 1));
    for (size_t i = 1; i < count; i++) {
        if (at[i] >> 6 != 2) return 0;
        code = code << 6 | (at[i] & 63);
    }
    if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    return code < 32 || code == 127 ? 0 : count;
}

int dfy_is_episode_name(const char *name, size_t size) {
    if (!size || size > DFY_EPISODE_NAME) return 0;
    for (size_t i = 0, bytes; i < size; i += bytes)
        if (!(bytes = utf8_bytes((const uint8_t *)name + i, size - i))) return 0;
    return 1;
}

int dfy_add_episode(DfyEpisodeList *list, uint64_t first, uint64_t frames, const char *name, size_t size) {
    if (list->count == DFY_MOST_EPISODES) return DFY_ERROR_ARGUMENT;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        DfyListedEpisode *grown = realloc(list->episode, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        list->episode = grown;
        list->capacity = capacity;
    }
    char *own = malloc(size + 1);
    if (!own) return DFY_ERROR_MEMORY;
    memcpy(own, name, size);
    own[size] = 0;
    list->episode[list->count++] = (DfyListedEpisode){first, frames, own};
    return DFY_OK;
}

uint32_t dfy_find_episode(const DfyEpisodeList *list, const char *name) {
    uint32_t i = 0;
    while (i < list->count && strcmp(list->episode[i].name, name)) i++;
    return i;
}

void dfy_put_episodes(DfyBuffer *buffer, const DfyEpisodeList *list, uint32_t from) {
    uint64_t at = 0;
    for (uint32_t i = from; i < list->count; i++) {
        const DfyListedEpisode *e = &list->episode[i];
        size_t size = strlen(e->name);
        dfy_put_varint(buffer, e->first - at);
        dfy_put_varint(buffer, e->frames);
        dfy_put_varint(buffer, size);
        dfy_put_bytes(buffer, e->name, size);
        at = e->first + e->frames;
    }
}

int dfy_read_episodes(DfyBytes *bytes, uint64_t frames, DfyEpisodeList *list) {
    const DfyListedEpisode *last = list->count ? &list->episode[list->count - 1] : NULL;
    uint64_t at = 0, least = last ? last->first + last->frames : 0;
    while (dfy_bytes_left(bytes) && list->count < DFY_MOST_EPISODES) {
        uint64_t gap = dfy_read_varint(bytes), length = dfy_read_varint(bytes), size = dfy_read_varint(bytes);
        const uint8_t *name = size <= dfy_bytes_left(bytes) ? dfy_read_span(bytes, (size_t)size) : NULL;
        if (bytes->overrun || !name || !length || gap > frames - at || at + gap < least || length > frames - at - gap ||
            !dfy_is_episode_name((const char *)name, (size_t)size))
            break;
        if (dfy_add_episode(list, at + gap, length, (const char *)name, (size_t)size)) return DFY_ERROR_MEMORY;
        at += gap + length;
    }
    return DFY_OK;
}

void dfy_episode_list_free(DfyEpisodeList *list) {
    for (uint32_t i = 0; i < list->count; i++) free(list->episode[i].name);
    free(list->episode);
    *list = (DfyEpisodeList){0};
}
