#!/usr/bin/env bash
# Sound goes through as it is, and comes back in MP4.
. "$(dirname "$0")/tap.bash"
ffmpeg() { command ffmpeg -v error -y -nostdin "$@"; }
"$scene" --size 64x48 --frames 60 --fps 25 clip.y4m
ffmpeg -i clip.y4m -f lavfi -i 'sine=frequency=440:sample_rate=48000:d=2.4' -c:v libx264 -preset ultrafast -c:a pcm_s16le source.mov
samples() { ffmpeg -i "$1" -map 0:a -f s16le - | md5sum; } # what a player hears, as a checksum
comes_back() { # FILE OPTIONS...: the same samples after encode and decode
    ffmpeg -i source.mov -c:v copy "${@:2}" "$1" && "$diffy" encode --effort 1 "$1" out.dfy && "$diffy" verify out.dfy &&
        "$diffy" decode out.dfy out.mp4 && echo "$(samples "$1") and $(samples out.mp4)" &&
        [ "$(samples "$1")" = "$(samples out.mp4)" ]
}
check "AAC" comes_back aac.mp4 -c:a aac
check "MP3" comes_back mp3.mp4 -c:a libmp3lame
check "FLAC" comes_back flac.mkv -c:a flac
check "PCM, as FLAC" comes_back pcm.mov -c:a copy
check "PCM of 24 bits" comes_back pcm24.mov -c:a pcm_s24le
check "Vorbis" comes_back vorbis.mkv -c:a libvorbis
opus() { ffmpeg -i source.mov -c:v copy -c:a libopus opus.webm.mkv && "$diffy" encode --effort 1 opus.webm.mkv out.dfy &&
    "$diffy" decode out.dfy out.mp4 && [ "$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 out.mp4 | tr '\n' ' ')" = "h264 opus " ]; }
check "Opus" opus
adts() { ffmpeg -i source.mov -c:v copy -c:a aac a.ts && "$diffy" encode --effort 1 a.ts out.dfy && "$diffy" decode out.dfy out.mp4 &&
    ffprobe -v error -show_entries stream=duration -of csv=p=0 out.mp4 | tee /dev/stderr | awk '$1 < 2.3 || $1 > 2.5 { exit 1 }'; }
check "AAC out of a transport stream" adts
again() { "$diffy" encode --effort 1 aac.mp4 first.dfy && "$diffy" encode --effort 1 first.dfy again.dfy && "$diffy" decode again.dfy again.mp4 &&
    [ "$(samples aac.mp4)" = "$(samples again.mp4)" ]; }
check "a .dfy with sound, encoded again" again
mute() { # to the byte what a source without sound gives
    ffmpeg -i aac.mp4 -map 0:v -c copy mute.mp4
    "$diffy" encode --effort 1 --no-audio aac.mp4 a.dfy && "$diffy" encode --effort 1 mute.mp4 b.dfy && cmp a.dfy b.dfy
}
check "--no-audio leaves no trace" mute
part() { "$diffy" decode --frames 25:50 first.dfy part.mp4 &&
    ffprobe -v error -show_entries stream=start_time,duration -of csv=p=0 part.mp4 | tee /dev/stderr | awk -F, '$1 > 0.05 || $2 < 0.95 || $2 > 1.06 { exit 1 }'; }
check "a part has its own sound" part
mute_export() { "$diffy" decode --no-audio first.dfy m.mp4 && [ "$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 m.mp4)" = video ]; }
check "decode --no-audio" mute_export
check "info tells it" bash -c '"$1" info --json first.dfy | tr -d "\t\n" | grep -q "\"sound\":{\"codec\":\"aac\",\"sample_rate\":48000,\"channels\":1}"' - "$diffy"
documented() { "$diffy" info --json "$1" | node "$top/tests/cases/info.js"; }
check "info --json is as documented" documented first.dfy
"$diffy" encode --format 1 clip.y4m old.dfy
check "of version 1 as well" documented old.dfy
said() { "$diffy" encode --format 1 aac.mp4 v1.dfy 2>err.txt && cat err.txt && grep -q "sound of aac.mp4 is left out" err.txt; }
check "version 1 has no place for it, and says so" said
finish
