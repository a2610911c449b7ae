/**
 * The shapes of the HTTP API's JSON and of the page's own state. Types only, no code.
 * Every time is an RFC 3339 string with `Z`; every `*_seconds` is a number of seconds.
 */

/**
 * @typedef {object} BufferStatus
 * @property {number} frame_count
 * @property {number} duration_seconds how much of the newest `capacity_seconds` is buffered
 * @property {number} [capacity_seconds]
 */

/**
 * @typedef {object} Camera
 * @property {string} id
 * @property {string} name
 * @property {"connecting"|"live"|"stalled"|"reconnecting"|"stopped"|"unknown"} state `unknown`: the box is silent
 * @property {string} [reason]
 * @property {string|null} [next_try]
 * @property {string|null} [last_error]
 * @property {string|null} [codec]
 * @property {string|null} [audio_codec] null: no sound
 * @property {string|null} [audio_trouble]
 * @property {number|null} [width]
 * @property {number|null} [height]
 * @property {number|null} [fps]
 * @property {BufferStatus} buffer
 * @property {number} [received_ms] when this page received it, on the server's clock
 */

/**
 * @typedef {object} CameraList
 * @property {readonly Camera[]} cameras
 * @property {{before_seconds: number, after_seconds: number|null}} recording the configured lengths
 */

/**
 * @typedef {object} Clip
 * @property {number} number the order of recording, by which lists are sorted
 * @property {string} id
 * @property {string} camera
 * @property {"video"|"image"} media_type
 * @property {boolean} keep a favourite: no rule deletes it
 * @property {string} title
 * @property {string} caption
 * @property {readonly string[]} tags
 * @property {"pending"|"processing"|"draft"|"published"|"failed"} status
 * @property {number|null} progress 0 to 1 while it is being finished
 * @property {string|null} error
 * @property {boolean} retryable
 * @property {string} created_at
 * @property {string} start_time
 * @property {string|null} end_time
 * @property {string|null} planned_end null while recording: until it is stopped
 * @property {number|null} duration_seconds
 * @property {Array<{start: string, end: string, reason?: string}>} gaps
 * @property {string|null} continued_from
 * @property {string|null} continued_by
 * @property {number|null} width
 * @property {number|null} height
 * @property {number|null} fps
 * @property {number|null} lead_in_seconds pictures that the file hides
 * @property {number|null} size_bytes
 * @property {"local"|"both"|"remote"} location
 * @property {string} thumbnail_url contains a version, so it may be cached for ever
 * @property {Record<"current"|"middle"|"manual", {url: string}|null>} previews
 * @property {string|null} playback_url
 * @property {string|null} download_url
 * @property {string|null} image_url the picture itself; null for videos
 * @property {string|null} [published_at]
 * @property {number|null} [feed_number] the order of publication
 * @property {string|null} [publish_at] when a draft publishes itself
 * @property {number} [likes]
 * @property {number} version grows with every change of the row
 * @property {boolean} [stale] the page's own: the box is silent, so whether it still records is not known
 */

/** @typedef {Partial<Pick<Clip, "title"|"caption"|"tags"|"keep">>} ClipChanges the editable fields of a clip */

/** @typedef {keyof Clip["previews"]} PreviewSource */

/** @typedef {number|string} CopyState how far the copy to the object store is: its share, 0 to 1, or why it waits */

/**
 * @typedef {{clip_id: string, playback_url: string, mime_type: string, mode: "direct_url"|"proxy_stream",
 *   expires_at: string|null, lives_ms: number}} Playback
 */

/**
 * @template T
 * @typedef {{status: "loading"|"ready"|"error", items: readonly T[], error: string|null}} Listing
 */

/** @typedef {{before: number, after: number|null}} Lengths seconds around a press; `after` null: until stopped */

/**
 * @typedef {object} State
 * @property {"unknown"|"needed"|"ok"} session
 * @property {string|null} sessionError why the last attempt to sign in failed
 * @property {string|null} sessionNotice what to know before the next one
 * @property {boolean} signingIn whether an attempt is under way
 * @property {"connecting"|"online"|"checking"|"lost"} link the event stream. `checking`: after this device was asleep,
 *   or when the stream is back and the cameras are not read yet
 * @property {number|null} heard_ms when the box was heard last, on the server's clock; null while it is
 * @property {Listing<Camera>} cameras
 * @property {Listing<Clip> & {cursor: string|null, loadingMore: boolean}} clips
 * @property {Readonly<Record<string, number|undefined>>} copies by clip: the share that is in the object store, 0 to 1,
 *   while it is copied
 * @property {Readonly<Record<string, string>>} warnings one sentence by subject that needs attention
 * @property {string|null} camera the chosen camera
 * @property {URLSearchParams} query of the address: the choices on this screen
 * @property {string|null} openId the clip whose dialog is open
 * @property {Clip|null} openClip
 * @property {string|null} openError
 * @property {Lengths} lengths
 * @property {{record: number, snapshot: number, ids: readonly string[]}} pending requests without a response yet; of
 *   `record` and `snapshot` how often they have been sent
 */

/**
 * @typedef {object} Analytics
 * @property {Array<{camera: string, samples: Array<{at: string, fps: number|null, fill: number|null,
 *   live_seconds: number, connecting_seconds: number, stalled_seconds: number, reconnecting_seconds: number,
 *   stopped_seconds: number}>}>} cameras
 * @property {Array<{camera: string, at: string, clips: number, size_bytes: number}>} clips by quarter of an hour
 */

/**
 * @typedef {object} Budget
 * @property {Array<{camera: string, clip: {size_bytes: number}|null, snapshot: {size_bytes: number}|null}>} cameras
 * @property {{total_bytes: number, free_bytes: number, reserve_bytes: number, available_bytes: number,
 *   refusal: string|null}} disk
 * @property {number|null} hours_left
 * @property {{left: number, limit: number, snapshot_cost: number, clip_cost: number, refills_at: string}|null} credits
 */

/**
 * @typedef {object} System
 * @property {string} version
 * @property {number} uptime_seconds
 * @property {number} memory_rss_bytes
 * @property {{total_bytes: number, free_bytes: number, clips_bytes: number, clips: number}} disk
 * @property {Array<{camera: string, clips: number, size_bytes: number}>} cameras
 * @property {{provider: string, state: string, detail: string|null}} storage
 * @property {{name: string|null}} encoder
 * @property {string} clock
 * @property {Array<{subject: string, detail: string}>} concerns
 */

/** @typedef {{held: {reason: string}|null}} Retention */

/** @typedef {{code: string}|{key: string}} Credential */

/** @typedef {{principal: "session"|"loopback"|"key"|"local"}} Caller how the daemon knows this browser */

/**
 * @typedef {object} Device a browser that is signed in
 * @property {string} id
 * @property {string} device its name; empty: unknown
 * @property {string} address it signed in from
 * @property {string} created_at
 * @property {string} last_used_at to within ten minutes
 * @property {boolean} current whether it is this browser
 */

/** @typedef {{sessions: readonly Device[]}} DeviceList the last used first */

/** @typedef {{id: string, code: string, url: string, expires_in_seconds: number}} Invitation */

/**
 * @typedef {object} Schedule
 * @property {string} id
 * @property {"config"|"api"} origin
 * @property {string} kind
 * @property {string} name
 * @property {string} camera
 * @property {string|null} cron
 * @property {number|null} every_seconds
 * @property {number|null} length_seconds
 * @property {string} timezone
 * @property {boolean} enabled
 * @property {string[]} next
 * @property {{state: string, due_at: string, reason: string|null, clips: string[]}|null} last_run
 */

/**
 * @typedef {"status"|"media_type"|"keep"|"camera"} ClipFilterField
 * @typedef {Partial<Record<keyof Pick<Clip, ClipFilterField>|"q"|"from"|"to", string>>} ClipFilter query of the API
 */

/** @typedef {{screen: string, clip: string|null, query: URLSearchParams}} Route */

/**
 * @typedef {HTMLElement & {show(state: State, now_ms: number): void, clipList?(id: string): readonly Clip[]}} Screen
 *   `now_ms` on the server's clock; `clipList`: its clips in its order, `id` is the open one
 */

/**
 * @typedef {object} Services shared by all screens
 * @property {import("./store.js").Store} store
 * @property {import("./api.js").Api} api
 * @property {import("./server_clock.js").ServerClock} clock
 * @property {import("./actions.js").Actions} actions
 * @property {(words: string, tone?: "good"|"bad") => void} say
 * @property {() => [State, number]} shown the state and the time, on the server's clock, as they may be shown
 * @property {(words: {title: string, body: string, yes: string, no: string}) => Promise<boolean>} confirm
 */

/**
 * @typedef {object} EventHandlers
 * @property {(again: boolean) => void} onOpen `again`: after a loss
 * @property {() => void} onLost
 * @property {Record<string, (data: any) => void>} on by event name
 */

/**
 * @typedef {object} ActionServices used by the actions
 * @property {import("./store.js").Store} store
 * @property {import("./api.js").Api} api
 * @property {import("./server_clock.js").ServerClock} clock
 * @property {(words: string, tone?: "good"|"bad") => void} say
 * @property {() => number|null} labelOnScreen µs
 */

/**
 * @typedef {object} PanelView
 * @property {string|null} cannot why nothing can be recorded now
 * @property {number} asking how often a request without a response has been sent; 0: there is none
 * @property {boolean} snapping
 * @property {readonly Clip[]} running
 * @property {readonly string[]} stopping
 * @property {Lengths} lengths
 * @property {number} capacity seconds the buffer can hold
 * @property {number} now_ms on the server's clock
 */

/**
 * @typedef {object} Situation
 * @property {number} at_s now, on the clock that timed the arrivals
 * @property {number} now_s the player's current time
 * @property {ReadonlyArray<readonly [number, number]>} ranges the buffered ranges, ascending
 * @property {boolean} started whether the first seek has been made
 */

/** @typedef {{seek_s: number|null, rate: number}} Decision */

/**
 * @typedef {object} Look what is seen of a player
 * @property {number} at_s on the page's clock
 * @property {number} now_s the player's position
 * @property {number} rate since the look before
 * @property {number} ahead_s how much is buffered ahead of the position
 * @property {boolean} dry whether it has waited for data since the look before
 * @property {number} pictures the player's own count; NaN: it does not count
 */

/**
 * @typedef {object} FramesResponse the frames that can be shown
 * @property {string} start_time
 * @property {string} end_time
 * @property {readonly number[]} frame_offsets_us
 */

/** @typedef {FramesResponse & {media_start_seconds: number}} ClipFrames with the start on the clock of the media */

/** @typedef {ClipFrames & {url: string, token: string}} ReplayResponse */

/**
 * @typedef {object} MarkState the frame on screen and the marked span of a replay; µs since the epoch
 * @property {import("./rewind/frames.js").Frames} frames
 * @property {number} at_us
 * @property {number} start_us
 * @property {number} end_us
 * @property {boolean} marked whether the viewer chose the span
 */

/**
 * @typedef {object} SocketHandlers
 * @property {(init: LiveInit) => void} onInit
 * @property {(state: LiveState) => void} onState
 * @property {(data: ArrayBuffer) => void} onInitSegment
 * @property {(fragment: {data: ArrayBuffer, keyframe: boolean, media_time_s: number, label_us: number})
 *   => void} onFragment
 * @property {(picture: {data: ArrayBuffer, label_us: number}) => void} onJpeg
 * @property {(piece: SoundPiece) => void} [onSound]
 * @property {(message: {reason: string}) => void} [onUnplayable]
 * @property {(up: boolean) => void} onLink
 */

/**
 * @typedef {{type: "init", codec: string, width: number, height: number, mime?: string, rotation?: number,
 *   rate?: number}} LiveInit no mime: JPEGs, or sound of a `rate`
 */

/** @typedef {{data: ArrayBuffer, lead_s: number, label_us: number}} SoundPiece `lead_s`: decoded, but not played */

/** @typedef {"off"|"opening"|"on"|"none"|"blocked"|"late"} SoundState */

/**
 * @typedef {object} SoundPicture
 * @property {number|null} lag_ms from a label to its moment on screen, on the page's clock; null: not known yet
 * @property {(seconds: number) => void} hold stays this far behind the newest picture, for its sound
 */

/** @typedef {{type: "state", state: string, reason: string}} LiveState */

/**
 * @typedef {object} PlayerHandlers
 * @property {(phase: Phase, detail: string) => void} onPhase
 * @property {(width: number, height: number) => void} onSize
 * @property {() => void} onRestart the picture is about to go blank: keep what is on screen
 * @property {(state: string, reason: string) => void} onCameraState
 */

/** @typedef {"opening"|"playing"|"lost"|"unsupported"} Phase */

export {};
