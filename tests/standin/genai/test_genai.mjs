// SPDX-License-Identifier: MIT
// Google's SDK asks the stand-in for pictures as any program would.
// Usage: node test_genai.mjs URL REFERENCE.png FOLDER; writes what it got into FOLDER.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { GoogleGenAI } from "@google/genai";

const [url, reference, folder] = process.argv.slice(2);
const ai = new GoogleGenAI({ apiKey: "a-key", httpOptions: { baseUrl: url } });
const flash = "gemini-2.5-flash-image-preview";
const pro = "gemini-3-pro-image-preview";

function pictureOf(response) {
  const parts = response.candidates[0].content.parts;
  const pictures = parts.filter((part) => part.inlineData && !part.thought);
  assert.equal(pictures.length, 1);
  assert.equal(response.candidates[0].finishReason, "STOP");
  assert.ok(response.usageMetadata.totalTokenCount > 0);
  assert.ok(response.responseId.startsWith("standin-"));
  return pictures[0].inlineData;
}

function save(name, picture) {
  writeFileSync(`${folder}/${name}`, Buffer.from(picture.data, "base64"));
}

// A picture for text, nothing else said.
let response = await ai.models.generateContent({ model: flash, contents: "A cat in the rain" });
assert.equal(response.modelVersion, flash);
assert.equal(pictureOf(response).mimeType, "image/png");
save("text.png", pictureOf(response));

// A picture for text with a reference, of an asked ratio.
response = await ai.models.generateContent({
  model: flash,
  contents: [
    { text: "The same cat at noon" },
    { inlineData: { mimeType: "image/png", data: readFileSync(reference, "base64") } },
  ],
  config: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "16:9" } },
});
assert.equal(response.text, undefined);
save("reference.png", pictureOf(response));

// All that can be set, from a model that thinks.
response = await ai.models.generateContent({
  model: pro,
  contents: "A cat at night",
  config: {
    responseModalities: ["IMAGE", "TEXT"],
    systemInstruction: "Be brief.",
    temperature: 1,
    topP: 0.9,
    topK: 40,
    seed: 7,
    maxOutputTokens: 8192,
    safetySettings: [
      { category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_ONLY_HIGH" },
    ],
    imageConfig: { aspectRatio: "3:2", imageSize: "2K" },
  },
});
assert.equal(pictureOf(response).mimeType, "image/jpeg");
assert.equal(response.text, "Here is your picture.");
save("all.jpg", pictureOf(response));

// The model list, page by page, and one model.
const names = [];
for await (const model of await ai.models.list({ config: { pageSize: 2 } })) {
  names.push(model.name);
}
assert.equal(names.length, 5);
assert.equal(names[0], `models/${pro}`);
assert.equal((await ai.models.get({ model: flash })).name, `models/${flash}`);

// An error arrives as one.
await assert.rejects(
  ai.models.generateContent({ model: flash, contents: "[[standin: status=400, message=No.]]" }),
  (error) => error.status === 400 && error.message.includes("No."),
);

// A refused prompt has its reason.
response = await ai.models.generateContent({ model: flash, contents: "[[standin: blocked]]" });
assert.equal(response.promptFeedback.blockReason, "PROHIBITED_CONTENT");
