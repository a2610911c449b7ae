/* A V4L2 webcam for processes that preload this: the reader's own V4L2 code runs against it, unchanged.
 *
 * Two files in the directory FAKE_V4L2 names, both mapped: `control` (struct control, shared with the
 * test, which pulls the plug and reads the counters) and `material` (what the camera can send; written
 * by camera.py). One camera, opened as /dev/videoN or by the by-id name below, N as the control says.
 * The machine's own cameras are not to be seen.
 * A thread plays the sensor: each interval it fills the oldest queued buffer, or counts a dropped frame.
 * The file descriptor is an eventfd that counts filled buffers, so that select and poll behave.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define BY_ID "/dev/v4l/by-id/usb-Fake_Camera-video-index0"
#define MOST_FILES 16
#define MOST_BUFFERS 32
#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

struct control {                      /* keep in step with camera.py */
    int32_t node, plugged_in;         /* number of the device node (-1: no camera); times it was plugged in */
    int32_t stalled, frozen;          /* 1: no frame comes; 1: always the same frame comes */
    int32_t corrupt, empty;           /* so many frames to come are cut in half; hold nothing */
    int32_t shown, dropped, streams;  /* frames filled; frames without a buffer; times streaming began */
    int32_t refused, unstamped;       /* 1: this user may not open it; 1: frames bear no time */
    char card[32], bus[32];
};
struct mode { uint32_t fourcc, width, height, fps, frames, largest; uint64_t index; };
struct frame { uint64_t offset; uint32_t size; uint32_t unused; };

static volatile struct control *control;
static const uint8_t *material;       /* uint32 count of modes, uint32 0, modes, then indexes and frames */
static int files[MOST_FILES];         /* open descriptors; 0: free */
static int born[MOST_FILES];          /* the plugging-in at which each was opened */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int owner = -1, streaming;     /* the one descriptor that has buffers */
static const struct mode *mode;
static pthread_t sensor;
static struct buffer { uint8_t *start; uint32_t used; struct timeval at; uint32_t number; } buffers[MOST_BUFFERS];
static uint32_t buffer_count, buffer_size;
static int queued[MOST_BUFFERS], queued_count, filled[MOST_BUFFERS], filled_count;
static uint32_t frame_number;

static void *map(const char *name, int flags)
{
    char path[512];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", getenv("FAKE_V4L2"), name);
    int file = NEXT(open)(path, flags);
    if (file < 0 || fstat(file, &about)) { perror(path); abort(); }
    void *start = NEXT(mmap)(NULL, about.st_size, flags == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ,
                             MAP_SHARED, file, 0);
    NEXT(close)(file);
    return start;
}

static void begin(void)
{
    if (control || !getenv("FAKE_V4L2")) return;
    material = map("material", O_RDONLY);
    mode = (const struct mode *)(material + 8);
    control = map("control", O_RDWR);
}

static const struct mode *modes(void) { return (const struct mode *)(material + 8); }
static uint32_t mode_count(void) { return *(const uint32_t *)material; }

static int refuse(int why) { errno = why; return -1; }

static int is_ours(const char *path)
{
    char node[32];
    begin();
    if (!control || control->node < 0 || !path) return 0;
    snprintf(node, sizeof node, "/dev/video%d", control->node);
    return !strcmp(path, node) || !strcmp(path, BY_ID);
}

/* The machine's own cameras: nobody is to be filmed by a test. */
static int is_real(const char *path)
{
    if (is_ours(path) || !control || !path) return 0;
    return !strncmp(path, "/dev/v4l/", 9) || (!strncmp(path, "/dev/video", 10) && path[10] >= '0' && path[10] <= '9');
}

static int slot_of(int file)
{
    if (file > 0) for (int i = 0; i < MOST_FILES; i++) if (files[i] == file) return i;
    return -1;
}

static int is_gone(int slot) { return control->node < 0 || born[slot] != control->plugged_in; }

static int open_camera(int flags)
{
    if (control->refused) { errno = EACCES; return -1; }
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_FILES; i++) {
        if (files[i]) continue;
        files[i] = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC | (flags & O_NONBLOCK ? EFD_NONBLOCK : 0));
        born[i] = control->plugged_in;
        pthread_mutex_unlock(&lock);
        return files[i];
    }
    abort();
}

/* ---- the sensor ---- */

static int take_first(int *list, int *count)
{
    int first = list[0];
    memmove(list, list + 1, --*count * sizeof *list);
    return first;
}

static void fill(void)
{
    struct timespec now;
    uint32_t number = frame_number++;
    static uint32_t shown;
    if (!control->frozen) shown = number % mode->frames;
    if (!queued_count) { control->dropped++; return; }
    int index = take_first(queued, &queued_count);
    struct buffer *buffer = &buffers[index];
    const struct frame *frame = (const struct frame *)(material + mode->index) + shown;
    buffer->used = frame->size;
    if (control->empty > 0) { control->empty--; buffer->used = 0; }
    else if (control->corrupt > 0) { control->corrupt--; buffer->used /= 2; }
    memcpy(buffer->start, material + frame->offset, buffer->used); /* what was there before stays behind it */
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    if (control->unstamped) memset(&buffer->at, 0, sizeof buffer->at);
    buffer->number = number;
    filled[filled_count++] = index;
    control->shown++;
    eventfd_write(owner, 1);
}

static void *run_sensor(void *unused)
{
    struct timespec due;
    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (;;) {
        due.tv_nsec += 1000000000 / mode->fps;
        if (due.tv_nsec >= 1000000000) { due.tv_nsec -= 1000000000; due.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        pthread_mutex_lock(&lock);
        int alive = streaming && !is_gone(slot_of(owner));
        if (alive && !control->stalled) fill();
        if (!alive && streaming) eventfd_write(owner, 1000); /* wakes select: DQBUF then says ENODEV */
        pthread_mutex_unlock(&lock);
        if (!alive) return NULL;
    }
}

static void stop_streaming(void)
{
    if (!streaming) return;
    streaming = 0;
    pthread_mutex_unlock(&lock);
    pthread_join(sensor, NULL);
    pthread_mutex_lock(&lock);
    eventfd_t drained;
    while (filled_count-- > 0) eventfd_read(owner, &drained);
    queued_count = filled_count = 0;
}

static void free_buffers(void)
{
    stop_streaming();
    for (uint32_t i = 0; i < buffer_count; i++) NEXT(munmap)(buffers[i].start, buffer_size);
    buffer_count = 0;
    owner = -1;
}

/* ---- what the driver answers ---- */

static const struct mode *closest(uint32_t fourcc, uint32_t width, uint32_t height)
{
    const struct mode *best = NULL;
    int64_t least = 0;
    for (uint32_t i = 0; i < mode_count(); i++) {
        const struct mode *m = modes() + i;
        int64_t off = llabs((int64_t)m->width * m->height - (int64_t)width * height);
        if (m->fourcc == fourcc && (!best || off < least)) { best = m; least = off; }
    }
    return best ? best : modes();
}

static void describe(struct v4l2_pix_format *pix)
{
    pix->pixelformat = mode->fourcc;
    pix->width = mode->width;
    pix->height = mode->height;
    pix->field = V4L2_FIELD_NONE;
    pix->bytesperline = 0;
    pix->sizeimage = mode->largest;
}

static int list_formats(struct v4l2_fmtdesc *wanted)
{
    uint32_t left = wanted->index;
    for (uint32_t i = 0; i < mode_count(); i++) {
        uint32_t fourcc = modes()[i].fourcc, j = 0;
        while (modes()[j].fourcc != fourcc) j++;
        if (j < i || left--) continue;
        wanted->pixelformat = fourcc;
        return 0;
    }
    return refuse(EINVAL);
}

static int list_sizes(struct v4l2_frmsizeenum *wanted)
{
    uint32_t left = wanted->index;
    for (uint32_t i = 0; i < mode_count(); i++) {
        if (modes()[i].fourcc != wanted->pixel_format || left--) continue;
        wanted->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        wanted->discrete = (struct v4l2_frmsize_discrete){modes()[i].width, modes()[i].height};
        return 0;
    }
    return refuse(EINVAL);
}

static int list_rates(struct v4l2_frmivalenum *wanted)
{
    for (uint32_t i = 0; i < mode_count() && !wanted->index; i++) {
        const struct mode *m = modes() + i;
        if (m->fourcc != wanted->pixel_format || m->width != wanted->width || m->height != wanted->height)
            continue;
        wanted->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        wanted->discrete = (struct v4l2_fract){1, m->fps};
        return 0;
    }
    return refuse(EINVAL);
}

static int request_buffers(int file, struct v4l2_requestbuffers *wanted)
{
    if (owner >= 0 && owner != file) return refuse(EBUSY);
    free_buffers();
    if (!wanted->count) return 0;
    if (wanted->count > MOST_BUFFERS) wanted->count = MOST_BUFFERS;
    owner = file;
    buffer_count = wanted->count;
    buffer_size = (mode->largest + 4095) / 4096 * 4096;
    for (uint32_t i = 0; i < buffer_count; i++)
        buffers[i].start = NEXT(mmap)(NULL, buffer_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return 0;
}

static int dequeue(int file, struct v4l2_buffer *wanted)
{
    eventfd_t one;
    pthread_mutex_unlock(&lock);
    int failed = eventfd_read(file, &one); /* blocks where the descriptor does; else EAGAIN */
    pthread_mutex_lock(&lock);
    if (is_gone(slot_of(file))) return refuse(ENODEV);
    if (failed) return -1;
    int index = take_first(filled, &filled_count);
    wanted->index = index;
    wanted->bytesused = buffers[index].used;
    wanted->length = buffer_size;
    wanted->timestamp = buffers[index].at;
    wanted->sequence = buffers[index].number;
    wanted->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    return 0;
}

static int answer(int file, unsigned long request, void *argument)
{
    struct v4l2_format *format = argument;
    struct v4l2_streamparm *rate = argument;
    struct v4l2_buffer *buffer = argument;
    struct v4l2_capability *about = argument;
    switch (request) {
    case VIDIOC_QUERYCAP:
        memset(about, 0, sizeof *about);
        strcpy((char *)about->driver, "fake");
        memcpy(about->card, (char *)control->card, sizeof about->card);
        memcpy(about->bus_info, (char *)control->bus, sizeof about->bus_info);
        about->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        about->capabilities = about->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    case VIDIOC_ENUM_FMT: return list_formats(argument);
    case VIDIOC_ENUM_FRAMESIZES: return list_sizes(argument);
    case VIDIOC_ENUM_FRAMEINTERVALS: return list_rates(argument);
    case VIDIOC_S_FMT:
        if (owner >= 0) return refuse(EBUSY);
        mode = closest(format->fmt.pix.pixelformat, format->fmt.pix.width, format->fmt.pix.height);
        /* fall through */
    case VIDIOC_TRY_FMT: case VIDIOC_G_FMT: describe(&format->fmt.pix); return 0;
    case VIDIOC_S_PARM: case VIDIOC_G_PARM:
        rate->parm.capture.timeperframe = (struct v4l2_fract){1, mode->fps};
        return 0;
    case VIDIOC_ENUMINPUT:
        if (((struct v4l2_input *)argument)->index) return refuse(EINVAL);
        /* fall through */
    case VIDIOC_G_INPUT: case VIDIOC_S_INPUT: return 0;
    case VIDIOC_REQBUFS: return request_buffers(file, argument);
    case VIDIOC_QUERYBUF:
        if (file != owner || buffer->index >= buffer_count) return refuse(EINVAL);
        buffer->length = buffer_size;
        buffer->m.offset = buffer->index * buffer_size;
        return 0;
    case VIDIOC_QBUF:
        if (file != owner || buffer->index >= buffer_count) return refuse(EINVAL);
        queued[queued_count++] = buffer->index;
        return 0;
    case VIDIOC_DQBUF: return file == owner && streaming ? dequeue(file, buffer) : refuse(EINVAL);
    case VIDIOC_STREAMON:
        if (streaming) return 0;
        streaming = 1;
        control->streams++;
        return pthread_create(&sensor, NULL, run_sensor, NULL);
    case VIDIOC_STREAMOFF: stop_streaming(); return 0;
    default: return refuse(ENOTTY);
    }
}

/* ---- the C library's doors ---- */

#define OPENER(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        int permissions = va_arg(more, int); \
        va_end(more); \
        if (is_ours(path)) return open_camera(flags); \
        return is_real(path) ? refuse(ENOENT) : NEXT(name)(path, flags, permissions); \
    }
OPENER(open)
OPENER(open64)
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }

int close(int file)
{
    int slot = slot_of(file);
    if (slot >= 0) {
        pthread_mutex_lock(&lock);
        if (file == owner) free_buffers();
        files[slot] = 0;
        pthread_mutex_unlock(&lock);
    }
    return NEXT(close)(file);
}

int ioctl(int file, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    int slot = slot_of(file);
    if (slot < 0) return NEXT(ioctl)(file, request, argument);
    pthread_mutex_lock(&lock);
    request &= 0xffffffff; /* some callers sign-extend it */
    int result = is_gone(slot) && request != VIDIOC_STREAMOFF && request != VIDIOC_REQBUFS
        ? refuse(ENODEV) : answer(file, request, argument);
    pthread_mutex_unlock(&lock);
    return result;
}

void *mmap(void *start, size_t length, int access, int flags, int file, off_t offset)
{
    if (slot_of(file) >= 0) return buffers[offset / buffer_size].start;
    return NEXT(mmap)(start, length, access, flags, file, offset);
}
void *mmap64(void *start, size_t length, int access, int flags, int file, off_t offset)
{
    return mmap(start, length, access, flags, file, offset);
}

int munmap(void *start, size_t length)
{
    for (uint32_t i = 0; i < buffer_count; i++) if (buffers[i].start == start) return 0;
    return NEXT(munmap)(start, length);
}

static int be_device(struct stat *about)
{
    memset(about, 0, sizeof *about);
    about->st_mode = S_IFCHR | 0660;
    about->st_rdev = makedev(81, control->node);
    return 0;
}
int stat(const char *path, struct stat *about)
{
    if (is_ours(path)) return be_device(about);
    return is_real(path) ? refuse(ENOENT) : NEXT(stat)(path, about);
}
int stat64(const char *path, struct stat64 *about)
{
    if (is_ours(path)) return be_device((struct stat *)about);
    return is_real(path) ? refuse(ENOENT) : NEXT(stat64)(path, about);
}

/* A listing of /dev lacks the machine's own cameras and ends with this one's node. */
static __thread DIR *listing;

DIR *opendir(const char *path)
{
    DIR *opened = NEXT(opendir)(path);
    begin();
    if (opened && control && (!strcmp(path, "/dev") || !strcmp(path, "/dev/"))) listing = opened;
    return opened;
}

static struct dirent *last_entry(void)
{
    static __thread struct dirent entry;
    listing = NULL;
    if (control->node < 0) return NULL;
    entry.d_ino = 1;
    entry.d_type = DT_CHR;
    entry.d_reclen = sizeof entry;
    snprintf(entry.d_name, sizeof entry.d_name, "video%d", control->node);
    return &entry;
}
struct dirent *readdir(DIR *directory)
{
    struct dirent *entry = NEXT(readdir)(directory);
    if (directory != listing) return entry;
    while (entry && !strncmp(entry->d_name, "video", 5)) entry = NEXT(readdir)(directory);
    return entry ? entry : last_entry();
}
struct dirent64 *readdir64(DIR *directory)
{
    struct dirent64 *entry = NEXT(readdir64)(directory);
    if (directory != listing) return entry;
    while (entry && !strncmp(entry->d_name, "video", 5)) entry = NEXT(readdir64)(directory);
    return entry ? entry : (struct dirent64 *)last_entry();
}
