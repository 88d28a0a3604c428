/* What stands beside the pictures of files that are joined, moved to where the pictures have gone. */
#include <math.h>

#include "api/joiner_parts.h"
#include "video/syntax/cycle_list.h"
#include "video/syntax/departure_list.h"
#include "video/syntax/episode_list.h"
#include "video/syntax/orientation_list.h"

/* Writes the list that lies in the payload; an empty one needs no chunk. */
static int write_list(DfyJoiner *j, unsigned type, uint64_t count) {
    if (j->payload.failed) return dfy_joiner_no_memory(j);
    return count ? dfy_joiner_write_chunk(j, type, 0, j->payload.data, j->payload.size, 0, 0) : DFY_OK;
}

int dfy_joiner_take_cycles(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyCycleList list = {0};
    int status = dfy_read_cycles(&bytes, (uint64_t)1 << 40, &list) ? dfy_joiner_no_memory(j) : DFY_OK;
    for (uint32_t i = 0; i < list.count; i++) {
        list.cycle[i].first += j->first_frame;
        list.cycle[i].canonical += j->first_canonical;
        j->canonicals += list.cycle[i].is_canonical != 0;
    }
    j->payload.size = 0;
    if (!status) dfy_put_cycles(&j->payload, list.cycle, list.count);
    if (!status) status = write_list(j, DFY_CHUNK_CYCLES, list.count);
    dfy_cycle_list_free(&list);
    return status;
}

/* Names may come twice in a joined file: the first of them is found by it. */
int dfy_joiner_take_episodes(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyEpisodeList list = {0};
    int status = dfy_read_episodes(&bytes, (uint64_t)1 << 40, &list) ? dfy_joiner_no_memory(j) : DFY_OK;
    for (uint32_t i = 0; i < list.count; i++) list.episode[i].first += j->first_frame;
    j->payload.size = 0;
    if (!status) dfy_put_episodes(&j->payload, &list, 0);
    if (!status) status = write_list(j, DFY_CHUNK_EPISODES, list.count);
    dfy_episode_list_free(&list);
    return status;
}

int dfy_joiner_take_departures(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyDepartures list = {0};
    int status = dfy_read_departures(&bytes, (uint64_t)1 << 40, DFY_MAX_DIMENSION, DFY_MAX_DIMENSION, &list)
                     ? dfy_joiner_no_memory(j)
                     : DFY_OK;
    j->payload.size = 0;
    dfy_move_departures(&j->payload, &list, j->first_frame);
    if (!status) status = write_list(j, DFY_CHUNK_DEPARTURES, list.count);
    dfy_departures_free(&list);
    return status;
}

int dfy_joiner_take_orientations(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    double camera[9] = {0};
    uint64_t first, count = dfy_read_orientations_head(&bytes, camera, &first);
    if (!count) {
        j->stats.damaged++;
        return DFY_OK;
    }
    j->payload.size = 0;
    dfy_put_orientations_head(&j->payload, camera, j->first_frame + first, count);
    dfy_put_bytes(&j->payload, data + bytes.position, size - bytes.position);
    return write_list(j, DFY_CHUNK_IMU, count);
}

/* The first packet's time stands at the beginning; the others follow from it. */
int dfy_joiner_take_sound(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    uint64_t coded = dfy_read_varint(&bytes);
    int64_t time = (int64_t)(coded >> 1 ^ (coded & 1 ? ~(uint64_t)0 : 0));
    if (bytes.overrun) {
        j->stats.damaged++;
        return DFY_OK;
    }
    time += llround((double)j->shift * j->sound_ticks);
    j->payload.size = 0;
    dfy_put_varint(&j->payload, (uint64_t)time << 1 ^ (time < 0 ? ~(uint64_t)0 : 0));
    dfy_put_bytes(&j->payload, data + bytes.position, size - bytes.position);
    if (j->payload.failed) return dfy_joiner_no_memory(j);
    return dfy_joiner_write_chunk(j, DFY_CHUNK_SOUND, 0, j->payload.data, j->payload.size, 0, 0);
}

int dfy_joiner_take_last_ticks(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    uint64_t ticks = dfy_read_varint(&bytes);
    j->last_ticks = bytes.overrun || ticks > INT64_MAX / 4 ? 0 : (int64_t)ticks;
    return DFY_OK;
}

int dfy_joiner_write_last_ticks(DfyJoiner *j) {
    if (j->last_ticks < 1) return DFY_OK;
    j->payload.size = 0;
    dfy_put_varint(&j->payload, (uint64_t)j->last_ticks);
    return dfy_joiner_write_chunk(j, DFY_CHUNK_LAST, 0, j->payload.data, j->payload.size, 0, 0);
}
