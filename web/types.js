/**
 * The shapes of the HTTP API's JSON and of the page's own state. Types only: nothing here runs.
 * Every time is an RFC 3339 string with `Z`; every `*_seconds` is a number of seconds.
 */

/**
 * @typedef {object} BufferStatus
 * @property {number} frame_count
 * @property {number} duration_seconds what the newest `capacity_seconds` hold
 * @property {number} [capacity_seconds]
 */

/**
 * @typedef {object} Camera
 * @property {string} id
 * @property {string} name
 * @property {"connecting"|"live"|"stalled"|"reconnecting"|"stopped"} state
 * @property {string} [reason]
 * @property {string|null} [next_try]
 * @property {string|null} [last_error]
 * @property {string|null} [codec]
 * @property {number|null} [width]
 * @property {number|null} [height]
 * @property {number|null} [fps]
 * @property {BufferStatus} buffer
 * @property {number} [received_ms] when this page got it, on the server's clock
 */

/**
 * @typedef {object} Clip
 * @property {string} id
 * @property {string} camera
 * @property {"video"|"image"} media_type
 * @property {string|null} title
 * @property {string|null} caption
 * @property {"pending"|"processing"|"draft"|"published"|"failed"} status
 * @property {number|null} progress 0 to 1
 * @property {string|{reason?: string, retryable?: boolean}|null} error
 * @property {string} created_at
 * @property {string|null} start_time
 * @property {string|null} end_time
 * @property {{before_seconds: number|null, after_seconds: number|null}|null} requested
 * @property {{before_seconds: number, after_seconds: number}|null} covered
 * @property {number|null} duration_seconds
 * @property {Array<{start: string, end: string, reason?: string}>} gaps
 * @property {string|null} continued_from
 * @property {string|null} continued_by
 * @property {number|null} width
 * @property {number|null} height
 * @property {number|null} size_bytes
 * @property {string|null} thumbnail_url carries a version, so it may be cached for ever
 * @property {string|null} playback_url
 * @property {string|null} download_url
 */

/** @typedef {{clip_id: string, playback_url: string, mime_type: string, mode: string}} Playback */

/**
 * @template T
 * @typedef {{status: "loading"|"ready"|"error", items: readonly T[], error: string|null}} Listing
 */

/**
 * @typedef {object} State
 * @property {"unknown"|"needed"|"ok"} session
 * @property {string|null} sessionError
 * @property {"connecting"|"online"|"lost"} link the event stream
 * @property {Listing<Camera>} cameras
 * @property {Listing<Clip> & {cursor: string|null, loadingMore: boolean}} clips
 * @property {string|null} camera the chosen camera
 * @property {string|null} openId the clip whose dialog is open
 * @property {Clip|null} openClip
 * @property {string|null} openError
 * @property {{before: number, after: number|null}} lengths seconds; `after` null: until stopped
 * @property {{record: boolean, snapshot: boolean, ids: readonly string[]}} pending what was asked and not yet answered
 */

export {};
