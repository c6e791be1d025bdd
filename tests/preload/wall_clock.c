/* A wall clock that a test sets: the real one and a number of nanoseconds from a file that may change at any time.
 *
 * Put before a program with LD_PRELOAD; WALL_CLOCK names the file, of 8 bytes. It is shared memory, so a jump is seen
 * at once by everyone, by processes that were forked before it too, and there is no lock that a fork could leave taken.
 * Only the wall clock jumps. Monotonic clocks, timers and the times that the kernel gives to files do not: the last
 * differs from a machine whose clock is wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *ahead_ns;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("WALL_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    ahead_ns = memory == MAP_FAILED ? NULL : memory;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    /* Others may ask before `begin`; dlsym would ask the allocator, which may be who asks. */
    int answer = real_clock_gettime ? real_clock_gettime(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (answer == 0 && ahead_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)) {
        int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + *ahead_ns;
        now->tv_sec = ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec wall;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &wall) != 0)
        return -1;
    now->tv_sec = wall.tv_sec;
    now->tv_usec = wall.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec wall;
    if (clock_gettime(CLOCK_REALTIME, &wall) != 0)
        return -1;
    if (now)
        *now = wall.tv_sec;
    return wall.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}
