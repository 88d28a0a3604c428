/* Chunks to cycles in playing order: what a file of version 1 holds, whatever its header says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "container/inflate.h"
#include "v1/jpeg.h"
#include "v1/reader.h"

#define LARGEST_METADATA (4u << 20) /* as JSON values it takes some thirty times that */
#define SMALLEST_RECORD 10          /* bytes of a plain picture: 5, and an empty zlib stream's start */

/* ---------------------------------------------------------------- payloads */

int dfy_v1_payload(DfyV1Reader *reader, const DfyV1Chunk *chunk, DfyBuffer *payload, size_t limit) {
    if (!chunk->compressed) return dfy_v1_chunk_read(payload, &reader->input, chunk, limit, reader->message);
    DfyBuffer stored = {0};
    int status = dfy_v1_chunk_read(&stored, &reader->input, chunk, limit, reader->message);
    if (!status) status = dfy_inflate(payload, stored.data, stored.size, limit, NULL, NULL);
    dfy_buffer_free(&stored);
    return status;
}

/* Most bytes a picture's record can rightly have: every coefficient its own triplet, and zlib's overhead. */
static uint64_t largest_record(const DfyV1Header *header) {
    uint64_t coefficients = (uint64_t)((header->width + 7) / 8) * (uint64_t)((header->height + 7) / 8) * 64 * 3;
    return coefficients * 3 + coefficients / 100 + 1024;
}

/* ---------------------------------------------------------------- records of a cycle */

typedef struct RecordWalk {
    const DfyV1Header *header;
    DfyV1Loaded *loaded;
    size_t at; /* 0: the payload's header is still to come */
    uint32_t capacity;
    int is_delta, stopped, out_of_memory;
} RecordWalk;

static int walk_header(RecordWalk *walk, const DfyBuffer *inflated) {
    size_t size = walk->is_delta ? 6 : 5;
    if (inflated->size < size) return 0;
    DfyBytes in = dfy_bytes(inflated->data, inflated->size);
    if (walk->is_delta) {
        walk->loaded->canonical = dfy_read_u16be(&in);
        walk->loaded->stated = dfy_read_u32be(&in);
    } else {
        walk->loaded->stated = dfy_read_u32be(&in);
        walk->loaded->flags = dfy_read_u8(&in);
    }
    walk->at = size;
    return 1;
}

static void keep_record(RecordWalk *walk, DfyV1Record record) {
    DfyV1Loaded *loaded = walk->loaded;
    if (loaded->records == walk->capacity) {
        uint32_t capacity = walk->capacity ? walk->capacity * 2 : 64;
        DfyV1Record *grown = realloc(loaded->record, capacity * sizeof *grown);
        if (!grown) {
            walk->stopped = walk->out_of_memory = 1;
            return;
        }
        loaded->record = grown;
        walk->capacity = capacity;
    }
    loaded->record[loaded->records++] = record;
}

/*
 * Notes every whole record inflated so far, and stops at one that can't be: a stream that inflates to gigabytes
 * gets no further than its first impossible record.
 */
static int walk_records(void *opaque, const DfyBuffer *inflated) {
    RecordWalk *walk = opaque;
    DfyV1Loaded *loaded = walk->loaded;
    if (!walk->at && !walk_header(walk, inflated)) return 0;
    const int typed = !walk->is_delta && (loaded->flags & DFY_V1_TEMPORAL);
    const size_t head = typed ? 5 : 4;
    while (!walk->stopped && loaded->records < loaded->stated && inflated->size - walk->at >= head) {
        DfyBytes in = dfy_bytes(inflated->data + walk->at, head);
        uint8_t predicted = typed ? dfy_read_u8(&in) : 0;
        uint32_t size = dfy_read_u32be(&in);
        if (predicted > 1 || size < SMALLEST_RECORD || size > largest_record(walk->header)) {
            walk->stopped = 1;
            break;
        }
        if (inflated->size - walk->at - head < size) break;
        keep_record(walk, (DfyV1Record){walk->at + head, size, predicted});
        walk->at += head + size;
    }
    return walk->stopped || loaded->records == loaded->stated;
}

int dfy_v1_load_records(DfyV1Reader *reader, DfyV1Loaded *loaded, const DfyV1Chunk *chunk) {
    RecordWalk walk = {
        .header = &reader->chunks.header, .loaded = loaded, .is_delta = chunk->type == DFY_V1_CYCLE_DELTA};
    size_t limit = (size_t)(reader->memory_limit_bytes / 4); /* two are loaded at a time */
    loaded->payload.size = 0;
    loaded->records = loaded->stated = loaded->canonical = loaded->flags = 0;
    free(loaded->record);
    loaded->record = NULL;
    int status;
    if (chunk->compressed) {
        DfyBuffer stored = {0};
        status = dfy_v1_chunk_read(&stored, &reader->input, chunk, limit, reader->message);
        if (!status) status = dfy_inflate(&loaded->payload, stored.data, stored.size, limit, walk_records, &walk);
        dfy_buffer_free(&stored);
    } else {
        status = dfy_v1_chunk_read(&loaded->payload, &reader->input, chunk, limit, reader->message);
        if (!status) walk_records(&walk, &loaded->payload);
    }
    if (walk.out_of_memory) status = DFY_ERROR_MEMORY;
    if (status == DFY_ERROR_MEMORY)
        return dfy_fail(reader->message, status,
                        "The cycle at byte %llu needs more than the memory allowed: raise the memory limit.",
                        (unsigned long long)chunk->offset);
    if (status == DFY_ERROR_IO) return status;
    return loaded->records == loaded->stated ? DFY_OK : DFY_ERROR_DAMAGED;
}

/* ---------------------------------------------------------------- the index */

static void warn(DfyV1Reader *reader, DfyV1Chunk *chunk, const char *what) {
    chunk->damaged = 1;
    reader->damaged = 1;
    dfy_fail(reader->message, DFY_ERROR_DAMAGED, "The %s chunk at byte %llu is damaged: %s.",
             dfy_v1_chunk_name(chunk->type), (unsigned long long)chunk->offset, what);
}

static int read_skip(DfyV1Reader *reader, DfyV1Chunk *chunk, DfyV1Cycle *cycle) {
    DfyBuffer payload = {0};
    int status = dfy_v1_payload(reader, chunk, &payload, 65536);
    DfyBytes in = dfy_bytes(payload.data, payload.size);
    cycle->canonical = dfy_read_u16be(&in);
    cycle->frames = dfy_read_u16be(&in);
    if (in.overrun) {
        cycle->frames = 0;
        warn(reader, chunk, "its pictures are lost");
    }
    dfy_buffer_free(&payload);
    return status == DFY_ERROR_IO || status == DFY_ERROR_MEMORY ? status : DFY_OK;
}

static int add_cycle(DfyV1Reader *reader, uint32_t index, DfyV1Loaded *loaded) {
    DfyV1Chunk *chunk = &reader->chunks.chunk[index];
    DfyV1Cycle *cycle = &reader->cycle[reader->cycles];
    *cycle = (DfyV1Cycle){.type = chunk->type, .chunk = index};
    int status = DFY_OK;
    if (chunk->type == DFY_V1_CYCLE_SKIP) {
        status = read_skip(reader, chunk, cycle);
    } else {
        status = dfy_v1_load_records(reader, loaded, chunk);
        cycle->frames = loaded->records;
        cycle->flags = loaded->flags;
        cycle->canonical = loaded->canonical;
        if (status == DFY_ERROR_DAMAGED) {
            warn(reader, chunk, "it ends before its last picture");
            status = DFY_OK;
        }
    }
    if (status) return status;
    if (chunk->type == DFY_V1_CYCLE_CANON)
        reader->canonical[reader->canonicals++] = reader->cycles;
    else
        reader->other[reader->others++] = reader->cycles;
    reader->cycles++;
    return DFY_OK;
}

static int read_background(DfyV1Reader *reader, DfyV1Chunk *chunk) {
    DfyBuffer payload = {0};
    int status = dfy_v1_payload(reader, chunk, &payload, (size_t)(reader->memory_limit_bytes / 8));
    if (status == DFY_ERROR_MEMORY)
        dfy_fail(reader->message, status, "The background picture needs more than the memory allowed.");
    if (status == DFY_ERROR_DAMAGED) dfy_fail(reader->message, status, "The background picture is damaged.");
    if (!status)
        status = dfy_picture_alloc(&reader->background, DFY_PIXELS_RGB, reader->chunks.header.width,
                                   reader->chunks.header.height);
    if (!status) status = dfy_v1_jpeg_read(&reader->background, payload.data, payload.size, reader->message);
    dfy_buffer_free(&payload);
    return status;
}

/* What may be missing of a file is left out where it is damaged or too large, but not for want of memory. */
static int failed_to_read(DfyV1Reader *reader, int status, const DfyBuffer *payload, size_t limit) {
    if (status == DFY_ERROR_MEMORY && payload->size > limit) return DFY_OK;
    if (status == DFY_ERROR_MEMORY) return dfy_fail(reader->message, status, "There is no memory to open this file.");
    return status == DFY_ERROR_IO ? status : DFY_OK;
}

static int read_imu(DfyV1Reader *reader, DfyV1Chunk *chunk) {
    DfyBuffer payload = {0};
    const size_t limit = (size_t)(reader->memory_limit_bytes / 64);
    int status = dfy_v1_payload(reader, chunk, &payload, limit), failed;
    if (status == DFY_ERROR_DAMAGED || status == DFY_ERROR_MEMORY) warn(reader, chunk, "orientations are missing");
    size_t samples = payload.size / 8;
    if (samples && status != DFY_ERROR_IO) {
        reader->imu = calloc(samples, sizeof *reader->imu);
        if (!reader->imu) payload.size = 0, status = DFY_ERROR_MEMORY;
        DfyBytes in = dfy_bytes(payload.data, payload.size);
        for (size_t i = 0; reader->imu && i < samples; i++) {
            double value[4];
            for (int k = 0; k < 4; k++) value[k] = dfy_half_to_float(dfy_read_u16le(&in));
            reader->imu[i] = (DfyQuaternion){value[0], value[1], value[2], value[3]};
        }
        reader->imu_samples = reader->imu ? samples : 0;
    }
    failed = failed_to_read(reader, status, &payload, limit);
    dfy_buffer_free(&payload);
    return failed;
}

static int read_codebook(DfyV1Reader *reader, DfyV1Chunk *chunk) {
    DfyBuffer payload = {0};
    const size_t limit = 4 + 256 * 64 * 2;
    int status = dfy_v1_payload(reader, chunk, &payload, limit), failed;
    DfyBytes in = dfy_bytes(payload.data, payload.size);
    uint32_t words = dfy_read_u16be(&in), size = dfy_read_u16be(&in);
    if (status || size != 64 || words < 1 || words > 256 || dfy_bytes_left(&in) < (size_t)words * 128) {
        warn(reader, chunk, "pictures that use it are lost");
    } else if ((reader->codebook.word = calloc(words, sizeof *reader->codebook.word))) {
        reader->codebook.words = words;
        for (uint32_t i = 0; i < words * 64; i++) {
            float value = dfy_half_to_float(dfy_read_u16le(&in));
            reader->codebook.word[i / 64][i % 64] = isfinite(value) ? value : 0;
        }
    } else {
        payload.size = 0;
        status = DFY_ERROR_MEMORY;
    }
    failed = failed_to_read(reader, status, &payload, limit);
    dfy_buffer_free(&payload);
    return failed;
}

static int read_metadata(DfyV1Reader *reader, DfyV1Chunk *chunk) {
    DfyBuffer payload = {0};
    int status = dfy_v1_payload(reader, chunk, &payload, LARGEST_METADATA);
    if (!status) status = dfy_v1_metadata_read(&reader->metadata, payload.data, payload.size);
    if (status) warn(reader, chunk, "cycles play in the order of the file");
    int failed = failed_to_read(reader, status, &payload, LARGEST_METADATA);
    dfy_buffer_free(&payload);
    return failed;
}

/* Only the first chunk of each kind there is one of counts. */
static int read_chunk(DfyV1Reader *reader, uint32_t index, DfyV1Loaded *loaded) {
    DfyV1Chunk *chunk = &reader->chunks.chunk[index];
    switch (chunk->type) {
    case DFY_V1_BACKGROUND: return reader->background.plane[0] ? DFY_OK : read_background(reader, chunk);
    case DFY_V1_IMU_BLOCK: return reader->imu ? DFY_OK : read_imu(reader, chunk);
    case DFY_V1_CODEBOOK: return reader->codebook.words ? DFY_OK : read_codebook(reader, chunk);
    case DFY_V1_METADATA: return reader->metadata.json ? DFY_OK : read_metadata(reader, chunk);
    case DFY_V1_CYCLE_CANON:
    case DFY_V1_CYCLE_DELTA:
    case DFY_V1_CYCLE_SKIP: return add_cycle(reader, index, loaded);
    default: return DFY_OK;
    }
}

int dfy_v1_playable(DfyV1Reader *reader, const DfyV1Cycle *cycle) {
    if (!cycle->frames) return 0;
    if (cycle->type == DFY_V1_CYCLE_CANON) return 1;
    if (cycle->canonical < reader->canonicals && reader->cycle[reader->canonical[cycle->canonical]].frames) return 1;
    warn(reader, &reader->chunks.chunk[cycle->chunk], "the canonical cycle it repeats is not in the file");
    return 0;
}

static void append_play(DfyV1Reader *reader, uint32_t cycle) {
    if (!dfy_v1_playable(reader, &reader->cycle[cycle])) return;
    reader->play[reader->plays++] = (DfyV1Play){cycle, reader->frames};
    reader->frames += reader->cycle[cycle].frames;
}

static int order_cycles(DfyV1Reader *reader) {
    const DfyV1Metadata *metadata = &reader->metadata;
    size_t most = (size_t)reader->cycles + metadata->map_entries;
    reader->play = calloc(most ? most : 1, sizeof *reader->play);
    if (!reader->play) return dfy_fail(reader->message, DFY_ERROR_MEMORY, "There is no memory for the list of cycles.");
    for (uint32_t i = 0; i < metadata->map_entries; i++) {
        DfyV1MapEntry entry = metadata->map[i];
        uint32_t count = entry.kind ? reader->others : reader->canonicals;
        if (entry.index < count) append_play(reader, (entry.kind ? reader->other : reader->canonical)[entry.index]);
    }
    if (reader->plays || metadata->map_entries) return DFY_OK;
    for (uint32_t i = 0; i < reader->canonicals; i++) append_play(reader, reader->canonical[i]);
    for (uint32_t i = 0; i < reader->others; i++) append_play(reader, reader->other[i]);
    return DFY_OK;
}

static int allocate_index(DfyV1Reader *reader) {
    size_t count = 0;
    for (uint32_t i = 0; i < reader->chunks.count; i++) {
        uint8_t type = reader->chunks.chunk[i].type;
        count += type == DFY_V1_CYCLE_CANON || type == DFY_V1_CYCLE_DELTA || type == DFY_V1_CYCLE_SKIP;
    }
    count += !count;
    reader->cycle = calloc(count, sizeof *reader->cycle);
    reader->canonical = calloc(count, sizeof *reader->canonical);
    reader->other = calloc(count, sizeof *reader->other);
    if (reader->cycle && reader->canonical && reader->other) return DFY_OK;
    return dfy_fail(reader->message, DFY_ERROR_MEMORY, "There is no memory for the list of cycles.");
}

/* What the metadata says of cycles counts as far as the file has their frames. */
static void limit_facts(DfyV1Reader *reader) {
    DfyV1Metadata *metadata = &reader->metadata;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < metadata->cycles; i++) {
        DfyV1CycleFact fact = metadata->cycle[i];
        if (fact.first_frame >= reader->frames) continue;
        if (fact.frames > reader->frames - fact.first_frame) fact.frames = reader->frames - fact.first_frame;
        metadata->cycle[kept++] = fact;
    }
    metadata->cycles = kept;
}

int dfy_v1_index(DfyV1Reader *reader) {
    int status = dfy_v1_chunks_read(&reader->chunks, &reader->input, reader->memory_limit_bytes, reader->message);
    if (!status) status = allocate_index(reader);
    for (uint32_t i = 0; !status && i < reader->chunks.count; i++) status = read_chunk(reader, i, &reader->loaded[0]);
    reader->loaded[0].used = 0;
    if (!status) status = order_cycles(reader);
    if (status) return status;
    limit_facts(reader);
    if (!reader->background.plane[0])
        return dfy_fail(reader->message, DFY_ERROR_DAMAGED, "The file has no background picture: %s.",
                        reader->chunks.cut ? "it was cut off" : "get a whole copy of it");
    if (reader->chunks.cut)
        dfy_fail(reader->message, DFY_ERROR_DAMAGED, "The file is cut off after %llu of %llu pictures.",
                 (unsigned long long)reader->frames, (unsigned long long)reader->chunks.header.total_frames);
    return DFY_OK;
}

void dfy_v1_index_free(DfyV1Reader *reader) {
    dfy_v1_chunks_free(&reader->chunks);
    dfy_v1_metadata_free(&reader->metadata);
    free(reader->cycle);
    free(reader->canonical);
    free(reader->other);
    free(reader->play);
    free(reader->imu);
    free(reader->codebook.word);
    dfy_picture_free(&reader->background);
}

uint32_t dfy_v1_play_of(const DfyV1Reader *reader, uint64_t frame) {
    uint32_t low = 0, high = reader->plays;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (reader->play[middle].first_frame <= frame)
            low = middle;
        else
            high = middle;
    }
    return low;
}
