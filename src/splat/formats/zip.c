#include "splat/formats/zip.h"

#include <string.h>
#include <zlib.h>

#include "diffy/diffy.h"

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, COMMENT_MOST = 65535, STORED = 0, DEFLATED = 8 };
#define LOCAL_MAGIC 0x04034b50u
#define ENTRY_MAGIC 0x02014b50u
#define END_MAGIC 0x06054b50u

static DfyBytes at(const uint8_t *data, size_t size, size_t from) {
    return from <= size ? dfy_bytes(data + from, size - from) : dfy_bytes(data, 0);
}

int dfy_is_zip(const uint8_t *data, size_t size_bytes) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    uint32_t magic = dfy_read_u32le(&bytes);
    return magic == LOCAL_MAGIC || magic == END_MAGIC;
}

/* Where the directory is and how many members it names; 0 when there is none. */
static int find_directory(const uint8_t *data, size_t size, size_t *directory, unsigned *count) {
    for (size_t back = END_BYTES; back <= size && back <= END_BYTES + COMMENT_MOST; back++) {
        DfyBytes end = at(data, size, size - back);
        if (dfy_read_u32le(&end) != END_MAGIC) continue;
        dfy_read_span(&end, 6);
        *count = dfy_read_u16le(&end);
        dfy_read_span(&end, 4);
        *directory = dfy_read_u32le(&end);
        return !end.overrun && *directory <= size;
    }
    return 0;
}

typedef struct Member {
    unsigned method;
    uint32_t crc, packed, unpacked, offset;
} Member;

static int find_member(const uint8_t *data, size_t size, const char *name, Member *member) {
    size_t directory;
    unsigned count;
    if (!find_directory(data, size, &directory, &count)) return DFY_ERROR_DAMAGED;
    DfyBytes bytes = at(data, size, directory);
    for (unsigned i = 0; i < count; i++) {
        if (dfy_read_u32le(&bytes) != ENTRY_MAGIC) return DFY_ERROR_DAMAGED;
        dfy_read_span(&bytes, 6);
        *member = (Member){.method = dfy_read_u16le(&bytes)};
        dfy_read_span(&bytes, 4);
        member->crc = dfy_read_u32le(&bytes);
        member->packed = dfy_read_u32le(&bytes);
        member->unpacked = dfy_read_u32le(&bytes);
        size_t name_bytes = dfy_read_u16le(&bytes), extra = dfy_read_u16le(&bytes), comment = dfy_read_u16le(&bytes);
        dfy_read_span(&bytes, 8);
        member->offset = dfy_read_u32le(&bytes);
        const uint8_t *own = dfy_read_span(&bytes, name_bytes);
        dfy_read_span(&bytes, extra + comment);
        if (bytes.overrun) return DFY_ERROR_DAMAGED;
        if (name_bytes == strlen(name) && !memcmp(own, name, name_bytes)) return DFY_OK;
    }
    return DFY_ERROR_ARGUMENT;
}

static int inflate_member(DfyBuffer *out, const uint8_t *data, const Member *member) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = member->packed};
    size_t start = out->size;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return DFY_ERROR_MEMORY;
    int result = Z_OK;
    while (result == Z_OK && out->size - start <= member->unpacked) {
        uint8_t *room = dfy_buffer_reserve(out, 65536);
        if (!room) break;
        z.next_out = room;
        z.avail_out = 65536;
        result = inflate(&z, Z_NO_FLUSH);
        out->size += 65536 - z.avail_out;
    }
    inflateEnd(&z);
    if (out->failed) return DFY_ERROR_MEMORY;
    return result == Z_STREAM_END && out->size - start == member->unpacked ? DFY_OK : DFY_ERROR_DAMAGED;
}

int dfy_zip_read(DfyBuffer *out, const uint8_t *data, size_t size_bytes, const char *name, size_t most) {
    Member member;
    int status = find_member(data, size_bytes, name, &member);
    if (status) return status;
    DfyBytes local = at(data, size_bytes, member.offset);
    if (dfy_read_u32le(&local) != LOCAL_MAGIC || member.unpacked > most) return DFY_ERROR_DAMAGED;
    dfy_read_span(&local, LOCAL_BYTES - 8);
    size_t name_bytes = dfy_read_u16le(&local), extra = dfy_read_u16le(&local), start = out->size;
    dfy_read_span(&local, name_bytes + extra);
    const uint8_t *packed = dfy_read_span(&local, member.packed);
    if (local.overrun || (!packed && member.packed)) return DFY_ERROR_DAMAGED;
    if (member.method == DEFLATED)
        status = inflate_member(out, packed, &member);
    else if (member.method == STORED && member.packed == member.unpacked)
        dfy_put_bytes(out, packed, member.packed);
    else
        status = DFY_ERROR_DAMAGED;
    if (!status && out->failed) status = DFY_ERROR_MEMORY;
    if (!status && crc32(0, out->data + start, (uInt)(out->size - start)) != member.crc) status = DFY_ERROR_DAMAGED;
    return status;
}

/* ---------------------------------------------------------------- writing */

enum { DOS_DATE = 0x21 /* 1 January 1980: the same model gives the same bytes */ };

void dfy_zip_begin(DfyZip *zip, DfyBuffer *out) {
    *zip = (DfyZip){.out = out, .start = out->size};
}

/* What a member's own head and its entry in the directory share. */
static void put_facts(DfyBuffer *out, uint32_t crc, size_t size, size_t name_bytes) {
    dfy_put_u16le(out, 20);
    dfy_put_u16le(out, 0);
    dfy_put_u16le(out, STORED);
    dfy_put_u16le(out, 0);
    dfy_put_u16le(out, DOS_DATE);
    dfy_put_u32le(out, crc);
    dfy_put_u32le(out, (uint32_t)size);
    dfy_put_u32le(out, (uint32_t)size);
    dfy_put_u16le(out, (unsigned)name_bytes);
    dfy_put_u16le(out, 0);
}

void dfy_zip_add(DfyZip *zip, const char *name, const uint8_t *data, size_t size_bytes) {
    uint32_t crc = (uint32_t)crc32(0, data, (uInt)size_bytes), offset = (uint32_t)(zip->out->size - zip->start);
    size_t name_bytes = strlen(name);
    dfy_put_u32le(zip->out, LOCAL_MAGIC);
    put_facts(zip->out, crc, size_bytes, name_bytes);
    dfy_put_bytes(zip->out, name, name_bytes);
    dfy_put_bytes(zip->out, data, size_bytes);
    dfy_put_u32le(&zip->directory, ENTRY_MAGIC);
    dfy_put_u16le(&zip->directory, 20);
    put_facts(&zip->directory, crc, size_bytes, name_bytes);
    dfy_put_u16le(&zip->directory, 0);
    dfy_put_u16le(&zip->directory, 0);
    dfy_put_u16le(&zip->directory, 0);
    dfy_put_u32le(&zip->directory, 0);
    dfy_put_u32le(&zip->directory, offset);
    dfy_put_bytes(&zip->directory, name, name_bytes);
    zip->count++;
}

void dfy_zip_end(DfyZip *zip) {
    size_t directory = zip->out->size - zip->start;
    dfy_put_bytes(zip->out, zip->directory.data, zip->directory.size);
    dfy_put_u32le(zip->out, END_MAGIC);
    dfy_put_u32le(zip->out, 0);
    dfy_put_u16le(zip->out, zip->count);
    dfy_put_u16le(zip->out, zip->count);
    dfy_put_u32le(zip->out, (uint32_t)zip->directory.size);
    dfy_put_u32le(zip->out, (uint32_t)directory);
    dfy_put_u16le(zip->out, 0);
    zip->out->failed |= zip->directory.failed;
    dfy_buffer_free(&zip->directory);
}
