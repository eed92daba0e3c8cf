// posthog-js with its recorder and network timing, as its settings page turns them on.
import posthog from 'posthog-js/dist/module.full.no-external';

posthog.init('phc_bench', {
  api_host: location.origin,
  person_profiles: 'always',
  // It takes a headless browser for a robot, and sends nothing then.
  opt_out_useragent_filter: true,
  capture_performance: { network_timing: true, web_vitals: true },
  session_recording: { recordHeaders: true },
  enable_recording_console_log: false,
});
