// onvif from npm, which UniFi Protect is built on: HOST PORT USER PASSWORD.

"use strict";
const {Cam} = require("onvif/promises");
const WANTED = ["tns1:Monitoring/OperatingTime/LastReboot", "tns1:RecordingHistory/Recording/State"];

async function main(hostname, port, username, password) {
    const camera = new Cam({hostname, port, username, password});
    await camera.connect();
    const found = {serial: (await camera.getDeviceInformation()).serialNumber, profiles: []};
    for (const {$: {token}, videoEncoderConfiguration: {encoding}} of camera.profiles) {
        const {uri} = await camera.getStreamUri({protocol: "RTSP", profileToken: token});
        found.profiles.push([token, encoding, uri]);
    }
    found.recordings = [await camera.getRecordings()].flat().map((each) => each.recordingToken);
    found.replays = [];
    for (const recordingToken of found.recordings) {
        found.replays.push(await camera.getReplayUri({protocol: "RTSP", recordingToken}));
    }
    found.topics = await topics(camera);
    console.log(JSON.stringify(found));
    process.exit(0);  // its event loop pulls for ever
}

// Listening is how it subscribes; it renews after every pull.
function topics(camera) {
    return new Promise((resolve, reject) => {
        const seen = new Set();
        camera.on("eventsError", reject);
        camera.on("event", (message) => {
            seen.add(message.topic._);
            if (WANTED.every((topic) => seen.has(topic))) resolve([...seen].sort());
        });
    });
}

main(...process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
